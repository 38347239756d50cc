{{- /* The settings that Keycloak builds into its server; `build` and `start --optimized` must be given the same ones. */ -}}
{{- define "keycloak.buildEnvironment" -}}
- name: KC_DB
  value: postgres
# One server: what a cluster would share stays in its memory.
- name: KC_CACHE
  value: local
- name: KC_HEALTH_ENABLED
  value: "true"
- name: KC_METRICS_ENABLED
  value: "true"
# The EUCAIM realm lives under /auth. The management port takes the same path: /auth/health, /auth/metrics.
- name: KC_HTTP_RELATIVE_PATH
  value: /auth
{{- end -}}

{{- /* Where Keycloak writes. Everything else of the image stays read-only. */ -}}
{{- define "keycloak.writable" -}}
- name: quarkus
  mountPath: /opt/keycloak/lib/quarkus
- name: data
  mountPath: /opt/keycloak/data
- name: tmp
  mountPath: /tmp
{{- end -}}
