"""All clips of the last run as columns in memory: filtered, sorted, counted, in pages.

```python
catalogue = site.catalogue
page = catalogue.query(Query.parse([("state", "dropped"), ("quality.clarity", "100..")]))
```
"""

from clipmill.browse.catalogue.catalogue import Catalogue
from clipmill.browse.catalogue.numbers import NumberColumn
from clipmill.browse.catalogue.page import (
    CatalogueClip,
    CataloguePage,
    Facet,
    FacetValue,
    RankedClip,
)
from clipmill.browse.catalogue.query import Query, ScoreRange

__all__ = [
    "Catalogue",
    "CatalogueClip",
    "CataloguePage",
    "Facet",
    "FacetValue",
    "NumberColumn",
    "Query",
    "RankedClip",
    "ScoreRange",
]
