"""What the figures and ensembles of an evaluation are called, and how each is read."""

from __future__ import annotations

FIGURES = {  # of a model -> what it is called, how it is read, whether it is a share
    "accuracy": ("accuracy", "Share of the pictures named rightly.", True),
    "top5": ("top 5", "Share of the pictures whose class is among the five that the model held likeliest.", True),
    "balanced_accuracy": ("balanced accuracy", "Recall averaged over the classes: a rare class counts as much as a frequent one.", True),
    "macro_precision": ("macro precision", "Precision (of the pictures given a class, the share that has it), averaged over the classes.", False),
    "macro_recall": ("macro recall", "Recall (of the pictures of a class, the share that is found), averaged over the classes.", False),
    "macro_f1": ("macro F1", "F1 averaged over the classes: each class counts the same, however many pictures it has.", False),
    "weighted_precision": ("weighted precision", "Precision averaged over the pictures.", False),
    "weighted_recall": ("weighted recall", "Recall averaged over the pictures; it equals accuracy.", False),
    "weighted_f1": ("weighted F1", "F1 averaged over the pictures.", False),
    "log_loss": ("log loss", "How surprised the model was by the true classes, in nats. 0 is perfect; sure mistakes cost most.", False),
    "ece": ("calibration error", "How far confidence and accuracy lie apart on average (expected calibration error, 15 bins). 0 is perfect.", True),
    "gap": ("GAP", "Global average precision: right answers should also be the surest ones. 1 is perfect.", False),
}  # fmt: skip
BEST = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "ece", "gap")  # shown first
HELP = {
    "precision": "Of the pictures the model gave this class, the share that really has it.",
    "recall": "Of the pictures that really have this class, the share the model found.",
    "f1": "The harmonic mean of precision and recall.",
    "support": "How many pictures of this class were looked at.",
}
ENSEMBLES = {
    "average": "the mean of the models' calibrated probabilities",
    "priority": "for each picture the model speaks that was better at the class it names",
    "weighted": "the mean in which each model has the weight that fits the validation pictures best",
}
