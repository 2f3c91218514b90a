"""What a run would decide with other rules: over what is measured, without measuring anything."""

from clipmill.whatif.compare import Difference, compare
from clipmill.whatif.past import PastRun
from clipmill.whatif.world import Evaluation, World

__all__ = ["Difference", "Evaluation", "PastRun", "World", "compare"]
