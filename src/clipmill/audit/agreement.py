"""How far two judges agree beyond chance."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class JudgesAgreement:
    """Two judges over the clips that both answered.

    Attributes:
        judges: Their names.
        clips: How many both answered.
        same: On how many they agree.
        kappa: Cohen's kappa (Educational and Psychological Measurement 20 (1960) 37-46), unweighted
            over good, bad and unsure; 1 is agreement, 0 what chance gives. None where both always
            give one answer, as it is undefined then.
    """

    judges: tuple[str, str]
    clips: int
    same: int
    kappa: float | None


def agreement(names: tuple[str, str], *answers: Mapping[str, str]) -> JudgesAgreement | None:
    """Compare two judges; None when no clip was answered by both.

    Args:
        names: Of the judges.
        *answers: Of the first and of the second, by clip.
    """
    first, second = answers
    both = [clip_id for clip_id in first if clip_id in second]
    if not both:
        return None
    same = sum(first[clip_id] == second[clip_id] for clip_id in both)
    counts = [Counter(one[clip_id] for clip_id in both) for one in (first, second)]
    chance = sum(counts[0][word] * counts[1][word] for word in counts[0]) / len(both) ** 2
    kappa = None if chance == 1 else (same / len(both) - chance) / (1 - chance)
    return JudgesAgreement(names, len(both), same, kappa)
