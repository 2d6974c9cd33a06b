{{/*
Clusters in which an installation could not work. `lookup` finds nothing under `helm template` and in dry runs: then
nothing is refused, and nothing else depends on it.
*/}}
{{- define "claude-sidecar.refuseCluster" -}}
{{- include "claude-sidecar.refuseSecond" . -}}
{{- if lookup "v1" "Namespace" "" "kube-system" -}}
{{- include "claude-sidecar.refuseWithoutDefinition" . -}}
{{- if .Release.IsInstall -}}
{{- include "claude-sidecar.refuseOldNodes" . -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Everything cluster-wide has a fixed name, since one operator serves all namespaces. Helm would refuse a second release too, but in words about annotations. */}}
{{- define "claude-sidecar.refuseSecond" -}}
{{- $there := lookup "admissionregistration.k8s.io/v1" "MutatingWebhookConfiguration" "" "claude-sidecar" -}}
{{- if $there -}}
{{- $notes := $there.metadata.annotations | default dict -}}
{{- $name := index $notes "meta.helm.sh/release-name" -}}
{{- $namespace := index $notes "meta.helm.sh/release-namespace" -}}
{{- if and $name (or (ne $name .Release.Name) (ne $namespace .Release.Namespace)) -}}
{{- fail (printf "claude-sidecar is installed in this cluster already, as release %s in namespace %s, and one installation serves all namespaces: upgrade that one (helm upgrade %s -n %s ...), or uninstall it first" $name $namespace $name $namespace) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "claude-sidecar.refuseWithoutDefinition" -}}
{{- $name := "claudepolicies.claude-sidecar.dev" -}}
{{- if not (or .Values.crds.install (lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $name)) -}}
{{- fail (printf "crds.install is false, and this cluster has no CustomResourceDefinition %s: apply crd/claude-sidecar.dev_claudepolicies.yaml of the chart with `kubectl apply --server-side -f`, or set it to true" $name) -}}
{{- end -}}
{{- end }}

{{/* API servers may be three minors newer than kubelets. Those before 1.29 refuse pods with native sidecars; 1.30 is the first in which we promise that they work. Virtual nodes, and versions of nobody's making, say nothing about that. */}}
{{- define "claude-sidecar.refuseOldNodes" -}}
{{- $old := list -}}
{{- range (lookup "v1" "Node" "" "").items -}}
{{- $version := .status.nodeInfo.kubeletVersion | default "" -}}
{{- $isVirtual := eq (index (.metadata.labels | default dict) "type" | default "") "virtual-kubelet" -}}
{{- if and (not $isVirtual) (regexMatch "^v?[0-9]+\\.[0-9]+\\.[0-9]+" $version) -}}
{{- if semverCompare "<1.30.0-0" (regexFind "^v?[0-9]+\\.[0-9]+\\.[0-9]+" $version) -}}
{{- $old = append $old (printf "%s (%s)" .metadata.name $version) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $old -}}
{{- fail (printf "these nodes are too old: %s; bring them to 1.30 or newer first, since native sidecars are needed on every node" (join ", " $old)) -}}
{{- end -}}
{{- end }}
