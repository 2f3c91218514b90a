"""The results of a run, for Python and notebooks: clips with their outcome, scores, samples.

The public side of looking at a workspace; `clipmill.open` leads here. Nothing is computed or
written.
"""

from clipmill.results.opened import Results, open_results
from clipmill.results.outcomes import Status
from clipmill.results.sample import Sample
from clipmill.results.view import SampleView

__all__ = ["Results", "Sample", "SampleView", "Status", "open_results"]
