"""Routes' own credentials: where they are read, and how they are renewed while calls go on."""
