"""Re-identification by officers: a joint key that nobody holds, how it is made and handed on, and what two of them open together.

No module here that the keyvault's process imports knows a BSN; only the officer's own tool opens one.
"""
