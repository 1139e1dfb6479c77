{{/* The name of everything in the release: `tritium` for a release of that name, else it says that it is one. */}}
{{- define "tritium.name" -}}
{{- $name := ternary .Release.Name (printf "%s-tritium" .Release.Name) (contains "tritium" .Release.Name) -}}
{{- $name | trunc 50 | trimSuffix "-" -}}
{{- end }}

{{/* What a Deployment selects by, which can never change. */}}
{{- define "tritium.selector" -}}
app.kubernetes.io/name: tritium
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- define "tritium.labels" -}}
{{ include "tritium.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{/* The image of the operator, and so of what fetches models. */}}
{{- define "tritium.image" -}}
{{- .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}
