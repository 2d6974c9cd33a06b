{{/*
Everything cluster-wide has a fixed name, since one operator serves all namespaces. Helm would refuse a second
release too, but in words about annotations. `lookup` finds nothing under `helm template`: nothing depends on it.
*/}}
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
