{{/* A binding of a role to the account of the same component. Call with (dict "root" $ "kind" "Role" or "ClusterRole" "name" ... "component" ...). */}}
{{- define "claude-sidecar.binding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ .name }}
  {{- if eq .kind "Role" }}
  namespace: {{ .root.Release.Namespace | quote }}
  {{- end }}
  labels:
    {{- include "claude-sidecar.labels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: claude-sidecar-{{ .component }}
    namespace: {{ .root.Release.Namespace | quote }}
{{- end }}
