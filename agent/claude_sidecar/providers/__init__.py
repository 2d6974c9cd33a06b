"""What differs between providers: how a request is put to one, and how its response is read."""
