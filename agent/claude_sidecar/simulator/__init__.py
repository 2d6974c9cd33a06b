"""A simulated Claude API with rate limits, a ledger and scripted faults."""
