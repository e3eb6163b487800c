"""The municipality's figures to take along: Excel, CSV, GeoJSON, and a page for the council. Each from one snapshot, whole or not at all."""
