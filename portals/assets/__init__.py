"""Style sheets, fonts and scripts of others, fetched at build time by exact version; never committed."""
