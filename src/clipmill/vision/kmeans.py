"""K-means with the same bytes on any number of cores.

scikit-learn adds up each thread's part of a cluster by itself, so how a sum rounds depends on the
number of threads; a centre that lies on the border of two pixels then falls to either.
"""

import numpy as np
import numpy.typing as npt

from clipmill.vision.threads import one_thread

Values = npt.NDArray[np.floating]


class Clusters:
    """K-means (Lloyd, 1982; seeded as by Arthur and Vassilvitskii, 2007), one thread, fixed seed.

    Args:
        values: [N, D] with N >= `count`.
        count: Number of clusters.
        starts: How often to begin again; the best end counts.

    Attributes:
        centres: [count, D].
    """

    def __init__(self, values: Values, count: int, *, starts: int = 1) -> None:
        from sklearn.cluster import KMeans  # a second, which looking at a workspace need not take

        self._model = KMeans(count, random_state=0, n_init=starts)
        with one_thread():
            self._model.fit(values)
        self.centres: Values = self._model.cluster_centers_

    def labels(self, values: Values) -> npt.NDArray[np.int32]:
        """Return the number of the nearest centre for each of values [N, D], [N]."""
        with one_thread():
            return self._model.predict(values)
