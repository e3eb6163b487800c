"""The release gate: which cells of an epoch may be published, decided by public rules over everything published before.

Sees amounts per contributor and cell; no BSN, no person, no content of a single service.
"""
