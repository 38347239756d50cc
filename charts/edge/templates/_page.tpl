{{- /* The front page: what the node offers. */ -}}
{{- define "edge.page" -}}
{{- $name := .Values.siteName | default .Values.node.domain -}}
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ $name | html }}</title>
<style>
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5; }
body { margin: 10vh auto; max-width: 34rem; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; }
p { margin-top: .2rem; }
ul { list-style: none; padding: 0; }
li a { display: block; margin: .6rem 0; padding: .8rem 1rem; border: 1px solid; border-radius: .5rem; text-decoration: none; }
li a:hover, li a:focus { text-decoration: underline; }
</style>
</head>
<body>
<main>
<h1>{{ $name | html }}</h1>
<p>EUCAIM federated node</p>
<ul>
{{- range sortAlpha (keys (include "edge.starts" . | fromJson)) }}
<li><a href="{{ get (include "edge.starts" $ | fromJson) . | html }}">{{ . | html }}</a></li>
{{- end }}
</ul>
</main>
</body>
</html>
{{ end -}}

{{- /* Title -> address of every route that is somebody's start. */ -}}
{{- define "edge.starts" -}}
{{- $starts := dict -}}
{{- range .Values.routes }}{{ if .title }}{{ $_ := set $starts .title (printf "%s%s" .path .start) }}{{ end }}{{ end -}}
{{- toJson $starts -}}
{{- end -}}
