"""What the official SDK gets answered directly, it gets answered through a sidecar: held by machine."""
