"""At the provider: from the files it has to sealed envelopes. Knows BSNs and content together, because the provider does.

Nothing of it runs in the zone; it imports only `schemas`.
"""
