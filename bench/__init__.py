"""What the sidecar costs: measured against the same upstream without it."""
