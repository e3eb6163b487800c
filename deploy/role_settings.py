"""What each process of a zone is told when it starts: the contents of its `config.json`, made from `zone.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from deploy import preflight

if TYPE_CHECKING:
    from deploy.zone import Zone

_OF_PROJECTOR: Final = (
    "tick_seconds", "record_bytes_per_second", "mandate_rules", "confidentiality", "retention_years", "retention_preview_days",
)  # fmt: skip


def _kafka(zone: Zone, name: str) -> dict[str, str]:
    files = zone.certificate(name)
    return {"bootstrap": zone.kafka.bootstrap, "ca": str(files.ca), "cert": str(files.cert), "key": str(files.key)}


def of_keyvault(zone: Zone) -> dict[str, Any]:
    """See `keyvault.settings.VaultSettings`."""
    settings = zone.folder.settings()
    files = zone.certificate("keyvault")
    return {
        "database_dsn": zone.postgres.create_role_database("keyvault"), "kafka": _kafka(zone, "keyvault"),
        "tls": {"cert": str(files.cert), "key": str(files.key), "ca": str(files.ca)}, "host": "127.0.0.1",
        "port": settings["ports"]["keyvault"], "metrics_port": settings["ports"]["metrics/keyvault"],
        "mandate_rules": settings.get("mandate_rules"), "inhabitants": zone.inhabitants(),
        "operators": {name: key.hex() for name, key in zone.folder.operators().items()},
        **{name: settings[name] for name in ("new_persons_a_day",) if name in settings},
        "roots": zone.roots.pinned.told(), "copies_days": zone.copies_days(),
        "wrapping": zone.folder.wrapping(), "pseudonym_key": settings.get("pseudonym_keys", [""])[-1],
    }  # fmt: skip


def of_worker(zone: Zone, role: str, *, instance: str) -> dict[str, Any]:
    """See `streams.config.RoleConfig`. A further `instance` of a role has a metrics port of its own."""
    settings = zone.folder.settings()
    return {
        "role": role, "kafka": _kafka(zone, role), "database_dsn": zone.postgres.create_role_database(role),
        "vault": {"url": zone.vault_url},
        "roots": zone.roots.pinned.told(), "secrets_dir": str(zone.folder.role(role) / "secrets"),
        "metrics_port": preflight.steady_port() if instance else settings["ports"][f"metrics/{role}"],
        "first_month": settings["first_month"], "municipalities": settings["municipalities"], "extra": _extra(zone, role),
    }  # fmt: skip


def _extra(zone: Zone, role: str) -> dict[str, Any]:
    settings = zone.folder.settings()
    match role:
        case "projector":
            return {name: settings[name] for name in _OF_PROJECTOR if name in settings}
        case "ledger":
            return {"mandate_rules": settings.get("mandate_rules"), "households": zone.households()}
        case "release":
            own = zone.postgres.create_role_database("release")
            return {
                "projector_dsn": own.rsplit("/", 1)[0] + "/projector",
                "address_dirs": [settings["address_dirs"][str(m)] for m in settings["municipalities"]],
                **{
                    name: settings[name]
                    for name in ("closing", "release_parameters", "audit_workers")
                    if name in settings
                },
            }
        case _:
            return {"address_dirs": list(settings["address_dirs"].values())}
