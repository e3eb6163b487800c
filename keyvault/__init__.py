"""The keyvault: pseudonyms, person and section keys, mandates, access log; its service and its client.

Never sees a BSN, an address or what was delivered. All it keeps is wrapped under a key that is not in its database.
"""
