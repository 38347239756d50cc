{{- /* Settings of the data explorer, by the keys of its own template (dataset-explorer 3.3.4). */ -}}
{{- define "dataset-service.explorerSettings" -}}
{{- $url := .Values.node.url -}}
{{- $keycloak := dict "url" (printf "%s/auth" $url) "realm" "EUCAIM-NODE" "clientId" "dataset-explorer" -}}
{{- dict
    "appVersion" .Chart.AppVersion
    "release" "node"
    "basename" "/dataset-service"
    "datasetService" (dict "api" (printf "%s/dataset-service/api" $url) "projectLogo" (printf "%s/dataset-service/project-logos" $url))
    "tracerService" ""
    "appsDashboard" ""
    "userAccountUrl" (printf "%s/auth/realms/EUCAIM-NODE/account" $url)
    "keycloak" (dict "config" $keycloak "initOptions" (dict "onLoad" "check-sso"))
    "externalServices" (list (dict "name" "desktops" "title" "Desktops" "link" (printf "%s/guacamole/" $url)))
  | toPrettyJson }}
{{- end -}}
