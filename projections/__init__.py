"""Pure folds from ledger events to bookings, cards and cells; subscribers for each level; the release gate.

Knows person and household ids and content, never a BSN or an address. Imports no Kafka, SQL or clock in its folds.
"""
