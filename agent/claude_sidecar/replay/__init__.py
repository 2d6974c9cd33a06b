"""An outage on virtual time: what policies would have made of it."""
