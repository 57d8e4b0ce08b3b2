"""What the parts of a recipe and the figures of a run are called on a screen, and what each means. No streamlit."""

from __future__ import annotations

RECIPE = {  # field of core.model.Recipe -> how it is called, what it is
    "backbone": ("network", "The network that is trained, by its name; pretrained ones are from timm."),
    "head": ("head", "What stands on top of a pretrained network and names the classes."),
    "train": ("trained part", "How much of a pretrained network learns; the rest stays as it came."),
    "scratch": ("from scratch", "Whether a network of timm began without what it had learned from other pictures."),
    "size": ("picture size", "Side of the square it sees, in pixels."),
    "gray": ("grey", "Whether it sees brightness alone, without colour."),
    "epochs": ("epochs at most", "One epoch = every training picture was shown once."),
    "batch": ("pictures at once", "The batch size: pictures between two steps."),
    "optimiser": ("optimiser", "The rule by which the weights are changed."),
    "lr": ("learning rate", "How large each step is; smaller is slower and steadier."),
    "layer_decay": ("layer decay", "Each layer learns at this share of the rate of the one above it."),
    "weight_decay": ("weight decay", "How strongly large weights are pulled back towards zero."),
    "schedule": ("schedule", "How the learning rate changes in the course of a training."),
    "patience": ("patience", "Epochs without a better value of what is watched before it stops."),
    "watch": ("watched", "The figure on validation by which the best epoch is chosen."),
    "label_smoothing": ("label smoothing", "Share of certainty taken from the true class, against being too sure."),
    "augment": ("augmentation", "How training pictures are varied each time they are shown."),
    "fixed_sides": ("never mirrored", "Classes that mirroring would make something else."),
    "share": (
        "share of pictures",
        "Share of each class's training pictures that it learned from: see Would more pictures help, on Evaluate.",
    ),
    "balance": ("balance", "What makes up for classes with few pictures."),
    "ema": ("mean of weights", "EMA: share of the old weights in a running mean that is kept."),
    "compile": ("compiled", "Whether torch.compile makes it faster."),
    "deterministic": ("deterministic", "Whether it gives the same model at each run, more slowly."),
    "seed": ("seed", "Where all that is drawn at random begins: the same seed, the same training."),
}
FIGURE = {
    "state": ("state", "A stopped run keeps its best epoch so far: it can be asked, and it can go on. One that a sweep stopped early, "
              "because half of the others were better, keeps its figures only."),
    "accuracy": ("accuracy", "Share of the validation pictures named rightly, at the best epoch."),
    "interval": ("95 % interval", "It holds the true share in 95 of 100 cases: the fewer pictures, the wider."),
    "macro_f1": ("macro F1", "Of each class, F1 weighs how many of its pictures were found against how many were given "
                 "to it wrongly; this is the mean, so that each class counts the same. 1 is perfect."),
    "best": ("best epoch", "Which epoch was the best, of how many there were. One epoch = every training picture was "
             "shown once."),
    "speed": ("pictures/s", "Training pictures a second, the median over the epochs."),
    "time": ("time", "How long all its epochs took."),
    "parameters": ("parameters", "Numbers that the network has learned. More of them can learn more, and take longer."),
    "bytes": ("size on disk", "All files of the run; of deleted ones, what they were."),
    "latency": ("latency", "Milliseconds that it needs to answer for one picture."),
    "device": ("device", "What it was trained on, and how exactly that calculated."),
}  # fmt: skip


def megabytes(number: float) -> str:
    """`4.2 MB`, `980 KB`."""
    return f"{number / 1e6:,.1f} MB" if number >= 1e6 else f"{number / 1e3:,.0f} KB"
