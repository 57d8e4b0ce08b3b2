"""Ask the models in this folder what pictures show: python predict.py IMAGE...

Needs onnxruntime, numpy and Pillow, and the files beside it. Prints one line of JSON; MODEL_CARD.md explains it.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent
FACTS = json.loads((HERE / "labels.json").read_text("utf-8"))
NETS = [onnxruntime.InferenceSession(HERE / one["file"]) for one in FACTS["members"]]


def square(path: str, size: int, reduced: int) -> np.ndarray:  # (1, size, size, 3) uint8
    image = Image.open(path)
    if image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L"):
        image.draft(None, (reduced, reduced))  # a large JPEG is decoded at a half, a quarter or an eighth
    image = ImageOps.exif_transpose(image)  # upright
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image, float) / 257 + 0.5).clip(0, 255).astype(np.uint8))  # 16 bits to 8
    if image.has_transparency_data:  # on white
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC))[None]


def predict(path: str) -> dict:
    pixels = [{"pixels": square(path, m["size"], m["reduced"])} for m in FACTS["members"]]
    told = [net.run(["probabilities", "strange"], seen) for net, seen in zip(NETS, pixels, strict=True)]
    said, far = np.stack([np.asarray(each[0])[0] for each in told]), np.array([np.asarray(each[1])[0] for each in told])
    models = {m["name"]: p for m, p in zip(FACTS["members"], said, strict=True)}  # name -> (C,) probabilities
    for name, how in FACTS["ensembles"].items():
        if "weights" in how:  # a weighted mean
            models[name] = np.average(said, axis=0, weights=how["weights"])
        else:  # the word of the member that is to be trusted most on what it says
            models[name] = said[max(how["order"], key=lambda m, of=how["trust"]: of[m][said[m].argmax()])]
    named = {name: dict(zip(FACTS["classes"], map(float, p), strict=True)) for name, p in models.items()}
    word = named[FACTS["ensemble"]]
    label = max(word, key=lambda name: word[name])
    # How many deviations above the validation pictures it lies, and than what share of them it is stranger.
    rule = FACTS["none_of_these"]
    strange = np.mean((far - rule["mean"]) / rule["deviation"])
    share = np.interp(strange, rule["steps"], np.linspace(0, 1, len(rule["steps"])))
    return {
        "image": path,
        "label": label,
        "confidence": word[label],
        "probabilities": word,
        "known": bool(rule["limit"] is None or strange <= rule["limit"]),
        "strangeness": float(share),
        "models": named,
    }


if __name__ == "__main__":
    images, failed = [], []
    for path in sys.argv[1:]:
        try:
            images.append(predict(path))
        except (OSError, ValueError, SyntaxError) as error:  # no picture, or one that is cut short
            failed.append({"image": path, "error": str(error)})
    print(json.dumps({"images": images, "failed": failed}))
