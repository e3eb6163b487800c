"""The release gate: which cells of an epoch may be published, decided by public rules over everything published before.

Sees amounts per contributor and cell; no BSN, no person, no content of a single service.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
"""Set before numpy is there: on small matrices a second thread doubles the processor time."""
