"""The workers of the trusted zone: intake, ledger, projector, release, on one implementation of the hop protocol."""
