{{/* The chart's name, or nameOverride. */}}
{{- define "lychgate.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of most objects; 50 characters leave room for what is appended. */}}
{{- define "lychgate.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "lychgate.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "lychgate.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "lychgate.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{/* What never changes over a release's life: selectors are immutable. */}}
{{- define "lychgate.selectorLabels" -}}
app.kubernetes.io/name: {{ include "lychgate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "lychgate.labels" -}}
{{ include "lychgate.selectorLabels" . }}
app.kubernetes.io/part-of: lychgate
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (replace "+" "_" .Chart.Version) | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "lychgate.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "lychgate.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* One image reference of {registry, repository, tag, digest, globalRegistry, appVersion}. */}}
{{- define "lychgate.reference" -}}
{{- $registry := .globalRegistry | default .registry -}}
{{- $name := .repository -}}
{{- if $registry -}}{{- $name = printf "%s/%s" $registry .repository -}}{{- end -}}
{{- if and .digest .tag -}}
{{- printf "%s:%s@%s" $name .tag .digest -}}
{{- else if .digest -}}
{{- printf "%s@%s" $name .digest -}}
{{- else -}}
{{- printf "%s:%s" $name (.tag | default .appVersion) -}}
{{- end -}}
{{- end -}}

{{- define "lychgate.image" -}}
{{- $image := .Values.image -}}
{{- include "lychgate.reference" (dict "registry" $image.registry "repository" $image.repository "tag" $image.tag "digest" $image.digest "globalRegistry" .Values.global.imageRegistry "appVersion" .Chart.AppVersion) -}}
{{- end -}}

{{/* The operator's image, where the sidecar's says nothing else; a digest belongs to the image it was given with. */}}
{{- define "lychgate.sidecarImage" -}}
{{- $own := .Values.sidecar.image -}}
{{- $image := .Values.image -}}
{{- $digest := $own.digest -}}
{{- if not (or $own.registry $own.repository $own.tag $own.digest) -}}{{- $digest = $image.digest -}}{{- end -}}
{{- include "lychgate.reference" (dict "registry" ($own.registry | default $image.registry) "repository" ($own.repository | default $image.repository) "tag" ($own.tag | default $image.tag) "digest" $digest "globalRegistry" .Values.global.imageRegistry "appVersion" .Chart.AppVersion) -}}
{{- end -}}

{{/* Names of the operator's pull secrets, as a JSON list. */}}
{{- define "lychgate.pullSecrets" -}}
{{- $names := list -}}
{{- range concat .Values.global.imagePullSecrets .Values.image.pullSecrets -}}{{- $names = append $names .name -}}{{- end -}}
{{- $names | uniq | toJson -}}
{{- end -}}

{{/* Those that injected pods name too, so that their nodes can pull the sidecar; they must exist in the pods' namespaces. */}}
{{- define "lychgate.sidecarPullSecrets" -}}
{{- $names := include "lychgate.pullSecrets" . | fromJsonArray -}}
{{- range .Values.sidecar.image.pullSecrets -}}{{- $names = append $names .name -}}{{- end -}}
{{- $names | uniq | toJson -}}
{{- end -}}

{{/* Namespaces whose pods are never looked at: without these a broken operator could not be started again. */}}
{{- define "lychgate.excludedNamespaces" -}}
{{- concat (list "kube-system" (include "lychgate.namespace" .)) .Values.webhook.excludedNamespaces | uniq | sortAlpha | toJson -}}
{{- end -}}

{{/* Expressions of a namespaceSelector that leave out the excluded namespaces. */}}
{{- define "lychgate.namespaceExclusion" -}}
- key: kubernetes.io/metadata.name
  operator: NotIn
  values:
  {{- range include "lychgate.excludedNamespaces" . | fromJsonArray }}
    - {{ . | quote }}
  {{- end }}
{{- end -}}

{{/* The same, and only the watched namespaces where they are listed. */}}
{{- define "lychgate.namespaceExpressions" -}}
{{ include "lychgate.namespaceExclusion" . }}
{{- with .Values.watchNamespaces }}
- key: kubernetes.io/metadata.name
  operator: In
  values:
  {{- range . }}
    - {{ . | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "lychgate.caConfigMap" -}}
{{- .Values.operator.caConfigMapName | default "lychgate-ca" -}}
{{- end -}}

{{- define "lychgate.caSecret" -}}
{{- printf "%s-ca" (include "lychgate.fullname" .) -}}
{{- end -}}

{{- define "lychgate.lease" -}}
{{- printf "%s-operator" (include "lychgate.fullname" .) -}}
{{- end -}}

{{- define "lychgate.servingSecret" -}}
{{- printf "%s-serving" (include "lychgate.fullname" .) -}}
{{- end -}}

{{/* What the operator may do with namespaced objects, everywhere or in one namespace. */}}
{{- define "lychgate.watchRules" -}}
- apiGroups: [lychgate.dev]
  resources: [sslprofiles, rewritesets]
  verbs: [list, watch]
- apiGroups: [lychgate.dev]
  resources: [sslprofiles/status, rewritesets/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, watch]
# Creation cannot be limited to a name; what is written is {{ include "lychgate.caConfigMap" . }} alone.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [list, watch, create]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [{{ include "lychgate.caConfigMap" . | quote }}]
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* What both entries of the webhook have in common. */}}
{{- define "lychgate.webhookCommon" -}}
{{- $root := .root -}}
admissionReviewVersions: [v1]
clientConfig:
  service:
    name: {{ include "lychgate.fullname" $root }}
    namespace: {{ include "lychgate.namespace" $root }}
    path: {{ .path }}
    port: 443
rules:
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE]
    resources: [pods]
    scope: Namespaced
# A pod that asked for a gate never starts without one.
failurePolicy: Fail
matchPolicy: Equivalent
reinvocationPolicy: IfNeeded
# It makes sure of a ConfigMap, but not in a dry run.
sideEffects: NoneOnDryRun
timeoutSeconds: {{ int $root.Values.webhook.timeoutSeconds }}
{{- end -}}
