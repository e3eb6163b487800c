"""Two invented municipalities with addresses, people, providers and care, written as the files real ones have.

Nothing here is real: gemeente codes GM99xx, postcodes with letter pairs that were never issued, test BSNs only.
"""
