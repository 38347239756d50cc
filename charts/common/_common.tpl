{{- /*
What every chart of ours says in the same words: labels, security contexts, the account.

Each chart reaches this file through a symbolic link in its templates folder, so that a chart stays one folder that Helm
reads whole and a change here changes the contents, and with them the digest, of every chart.
*/ -}}

{{- /* Labels of an object. Takes a list: root context, name of the part ("server", "web"). */ -}}
{{- define "mininode.labels" -}}
{{- $root := index . 0 -}}
{{ include "mininode.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: mininode
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
mininode.cancerimage.eu/node: {{ $root.Values.node.name | quote }}
mininode.cancerimage.eu/component: {{ $root.Chart.Name }}
{{- end -}}

{{- /* The labels that a workload selects its pods by; they never change. Takes the same list. */ -}}
{{- define "mininode.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- /* Name, namespace and labels. Takes a list: root context, name of the part, name of the object. */ -}}
{{- define "mininode.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 2 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "mininode.labels" . | nindent 2 }}
{{- end -}}

{{- /* What Pod Security "restricted" asks of a pod. Takes a list: user id, group id. The group may write to the volumes. */ -}}
{{- define "mininode.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ index . 0 }}
runAsGroup: {{ index . 1 }}
fsGroup: {{ index . 1 }}
# A volume whose top already belongs to the group is not walked through file by file at every start.
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- /* What Pod Security "restricted" asks of a container, and a file system that nobody can change. */ -}}
{{- define "mininode.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
{{- end -}}

{{- /*
What every container of ours says: the above, and that the end of its log is its last word, so that the node's status can tell
why it crashed. The kubelet keeps up to 80 lines or 2 KiB of it for a container that ended with an error.
*/ -}}
{{- define "mininode.container" -}}
terminationMessagePolicy: FallbackToLogsOnError
securityContext:
  {{- include "mininode.containerSecurity" . | nindent 2 }}
{{- end -}}

{{- /* The account of a component's pods: it has no token unless a pod asks for one. Takes a list: root context, part, name. */ -}}
{{- define "mininode.serviceAccount" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "mininode.metadata" . | nindent 2 }}
automountServiceAccountToken: false
{{- end -}}

{{- /* The public name leads to the node's own door, whatever DNS says. Takes the root context. */ -}}
{{- define "mininode.hostAliases" -}}
{{- with .Values.door.ip -}}
hostAliases:
  - ip: {{ . | quote }}
    hostnames: [{{ $.Values.node.domain }}]
{{- end -}}
{{- end -}}

{{- /* The authorities that the node's pods believe. */ -}}
{{- define "mininode.trustVolume" -}}
- name: trust
  configMap:
    name: trust-bundle
    items:
      - {key: ca.crt, path: ca-certificates.crt}
      - {key: truststore.p12, path: truststore.p12}
{{- end -}}

{{- /* Where OpenSSL, Python and Go look for them in images made of Debian, Ubuntu and Alpine. */ -}}
{{- define "mininode.trustMount" -}}
- name: trust
  mountPath: /etc/ssl/certs
  readOnly: true
{{- end -}}

{{- /* For Java, which has a list of its own. */ -}}
{{- define "mininode.javaTrustMount" -}}
- name: trust
  mountPath: /run/trust
  readOnly: true
{{- end -}}

{{- /* The site's way out, for those that talk with the outside. In both spellings: programs read one or the other. */ -}}
{{- define "mininode.proxy" -}}
{{- range $name, $value := .Values.proxy }}
- name: {{ $name }}
  value: {{ $value | quote }}
- name: {{ lower $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}
