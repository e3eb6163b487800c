"""The audit: what a reader who solves linear programmes over all published figures can bound of one household's amounts.

`amounts` is what is true, `views` what a role does not know of it, `figures` what was published, `points` clears most amounts without a programme of
their own, `programmes` decides the rest, `audit` finds the breaks, `holds` what is held for them.
"""
