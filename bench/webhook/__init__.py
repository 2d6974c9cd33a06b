"""How long the webhook takes to answer a review."""
