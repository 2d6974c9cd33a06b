"""A workload where the webhook's configuration lets nothing be injected."""

from support.cluster.waiting import until

from claude_operator import names


def test_it_is_told_that_nothing_is_injected_there_and_nothing_else(start, policies) -> None:
    start("--excluded-namespaces", f"kube-system,{policies.namespace}")
    here = ("-n", policies.namespace)
    policies.cluster.kubectl("create", "deployment", "web", "--image=localhost/app:1", *here)
    policies.cluster.kubectl("annotate", "deployment", "web", f"{names.POLICY}=production", *here)
    until(lambda: ("Deployment", "web", "NamespaceExcluded") in policies.reasons(), "that is told")
    (event,) = policies.events()
    assert policies.namespace in event["message"]
