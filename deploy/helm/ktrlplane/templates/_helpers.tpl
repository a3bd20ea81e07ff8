{{- define "ktrlplane.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "ktrlplane.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ktrlplane.labels" -}}
{{ include "ktrlplane.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "ktrlplane.image" -}}
{{- $repository := required "image.repository is needed: the registry and name of an image that you built (deploy/docker)" .Values.image.repository -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "ktrlplane.serviceAccount" -}}
{{- default (include "ktrlplane.fullname" .) .Values.serviceAccount.name -}}
{{- end -}}

{{/* Whether the gateway speaks TLS, and whether it demands certificates of its callers; empty for no. */}}
{{- define "ktrlplane.tls" -}}
{{- $tls := default dict (default dict .Values.config.server).tls -}}
{{- if $tls.certificate }}yes{{ end -}}
{{- end -}}

{{- define "ktrlplane.demandsCertificates" -}}
{{- $tls := default dict (default dict .Values.config.server).tls -}}
{{- if and $tls.certificate $tls.client_ca (ne (default "required" $tls.client_certificates) "optional") }}yes{{ end -}}
{{- end -}}

{{/* How the kubelet asks .path. It does not look at certificates, and has none of its own. */}}
{{- define "ktrlplane.probe" -}}
{{- if include "ktrlplane.demandsCertificates" .root -}}
tcpSocket: {port: http}
{{- else if include "ktrlplane.tls" .root -}}
httpGet: {path: {{ .path }}, port: http, scheme: HTTPS}
{{- else -}}
httpGet: {path: {{ .path }}, port: http}
{{- end -}}
{{- end -}}

{{/* One rule of egress: the peers, where there are any, and the ports. */}}
{{- define "ktrlplane.egress" -}}
- {{- with .to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    {{- $protocols := .protocols }}
    {{- range $port := .ports }}
    {{- range $protocols }}
    - {protocol: {{ . }}, port: {{ $port }}}
    {{- end }}
    {{- end }}
{{- end -}}
