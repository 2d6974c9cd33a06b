{{/* Labels of everything. Call with (dict "root" $ "component" "webhook"); the component may be left out. */}}
{{- define "claude-sidecar.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: claude-sidecar
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/name: claude-sidecar
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{/* Labels that select a component's pods; a Deployment cannot change them. */}}
{{- define "claude-sidecar.selector" -}}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/name: claude-sidecar
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* An image by its parts; a digest goes before the tag. Call with (dict "root" $ "image" $parts). */}}
{{- define "claude-sidecar.image" -}}
{{- $parts := .image -}}
{{- if $parts.digest -}}
{{ $parts.repository }}@{{ $parts.digest }}
{{- else -}}
{{ $parts.repository }}:{{ $parts.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* The image of sidecars: its own parts, else everybody's. A repository of its own has a tag or digest of its own. */}}
{{- define "claude-sidecar.sidecarImage" -}}
{{- $own := .Values.sidecar.image -}}
{{- $shared := .Values.image -}}
{{- if or $own.repository $own.tag $own.digest -}}
{{- $parts := dict "repository" ($own.repository | default $shared.repository) "tag" ($own.tag | default $shared.tag) "digest" $own.digest -}}
{{ include "claude-sidecar.image" (dict "root" . "image" $parts) }}
{{- else -}}
{{ include "claude-sidecar.image" (dict "root" . "image" $shared) }}
{{- end -}}
{{- end }}

{{/* Where the simulated upstream of `helm test` is: in the release's own namespace, which users cannot write to. */}}
{{- define "claude-sidecar.testUpstream" -}}
claude-sidecar-test.{{ .Release.Namespace }}.svc
{{- end }}

{{/* The part of a pod's spec that both processes share; the image is one for Linux. Call with (dict "root" $ "chosen" .Values.webhook). */}}
{{- define "claude-sidecar.placement" -}}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
# A Service's name would become variables such as CLAUDE_OPERATOR_PORT, which these processes read.
enableServiceLinks: false
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- with .chosen.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
nodeSelector:
  {{- merge (dict "kubernetes.io/os" "linux") .chosen.nodeSelector | toYaml | nindent 2 }}
{{- with .chosen.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The variables that both processes have. */}}
{{- define "claude-sidecar.env" -}}
- name: POD_NAME
  valueFrom:
    fieldRef: {fieldPath: metadata.name}
{{- with .extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
