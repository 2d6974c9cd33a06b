"""What a pod and a workload look like once the sidecar is in them; pure: values in, values out."""
