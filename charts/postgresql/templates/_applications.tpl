{{- /* The applications that have a database here. The operator makes the Secret postgresql-<application> of each. */ -}}
{{- define "postgresql.applications" -}}
keycloak dataset-service guacamole
{{- end -}}
