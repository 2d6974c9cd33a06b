"""The container images: from locks and a base to a docker-archive that needs no registry."""
