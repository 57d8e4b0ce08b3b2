"""How good a model is: its figures with intervals, its calibration, its mistakes, and the ensembles of several models.

forward.py      pictures through a network: logits
calibration.py  the temperature, and the reliability diagram
intervals.py    Wilson's interval, and the bootstrap
figures.py      accuracy, F1, log loss, GAP and their kin, from what a model said
ensemble.py     average, priority and weighted: what several models say together
strange.py      "none of these": how unlike the validation pictures a picture is, and from where on
distractors.py  pictures of something else, which an evaluation is given to be fooled by
others.py       how often it is fooled by them, and GAP with and without
compare.py      two models on the same pictures: a paired test for each class, in words
kept.py         what every model said of every picture, kept on disk: for curves and lists

All that is learned here (temperature, the priority table, weights, the limit of "none of these") is learned on the
validation part, never on test.
"""

from core.evaluate.calibration import softmax, temperature
from core.evaluate.ensemble import Ensemble, answer, ask
from core.evaluate.figures import Answers, f_scores, gap, score, scored
from core.evaluate.forward import logits
from core.evaluate.intervals import wilson
from core.evaluate.kept import keep

__all__ = [
    "Answers", "Ensemble", "answer", "ask", "f_scores", "gap", "keep", "logits", "score", "scored", "softmax",
    "temperature", "wilson",
]  # fmt: skip
