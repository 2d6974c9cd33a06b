"""The engine: takes calls from the app, carries out what the policy decides, relays the response."""
