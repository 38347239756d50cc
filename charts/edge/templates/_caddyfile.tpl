{{- /*
The door's configuration. Caddy looks at it every second (--watch) and takes a change up without letting go of a connection;
one that it can't read it leaves alone, with a line in its log.
*/ -}}
{{- define "edge.caddyfile" -}}
{
	# Nobody configures this door but this file.
	admin off
	persist_config off
	http_port 8080
	https_port 8443
	grace_period 30s
	{{- with .Values.tls.email }}
	email {{ . }}
	{{- end }}
	log default {
		output stdout
		format json
	}
	servers {
		{{- if ne .Values.exposure.mode "edge" }}
		# The cluster's own door comes from inside the cluster, and what it says of visitors is believed.
		trusted_proxies static private_ranges
		{{- end }}
		# HTTP/3 needs UDP, which is not published.
		protocols h1 h2
		max_header_size 64KB
		timeouts {
			# No limit for a body: a study takes as long as a hospital's line does.
			read_header 30s
			idle {{ .Values.timeouts.idle }}
		}
	}
}

# Health and figures, for Kubernetes only: no Service leads here.
http://:8081 {
	handle /healthz {
		respond "ok" 200
	}
	handle /metrics {
		metrics
	}
	handle {
		respond 404
	}
}

(site) {
	header {
		Strict-Transport-Security "max-age={{ .Values.hstsSeconds }}"
		X-Content-Type-Options nosniff
		X-Frame-Options SAMEORIGIN
		Referrer-Policy strict-origin-when-cross-origin
		Permissions-Policy "camera=(), geolocation=(), microphone=()"
		-Server
		defer
	}
	request_body {
		max_size {{ .Values.maxBodySize }}
	}
	handle /.well-known/mininode {
		header Cache-Control no-store
		header Content-Type application/json
		respond `{"node": {{ .Values.identity | quote }}}` 200
	}
	{{- range .Values.routes }}
	{{- $name := .path | trimPrefix "/" | replace "/" "-" }}
	@{{ $name }} path {{ .path }} {{ .path }}/*
	handle @{{ $name }} {
		{{- if .strip }}
		redir {{ .path }} {{ .path }}/ 308
		uri strip_prefix {{ .path }}
		{{- end }}
		reverse_proxy {{ .service }}:{{ .port }} {
			# Desktops are web sockets: they outlive a change of this file.
			stream_close_delay 8h
			# What comes in is sent on as it comes in, and so is what goes out: event streams, big files.
			flush_interval -1
			{{- if .strip }}
			header_up X-Forwarded-Prefix {{ .path }}
			{{- end }}
			transport http {
				dial_timeout 5s
				response_header_timeout {{ $.Values.timeouts.upstreamHeader }}
			}
		}
	}
	{{- end }}
	handle / {
		root * /srv/page
		header Cache-Control no-cache
		header Content-Security-Policy "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
		file_server
	}
	handle {
		respond "There is nothing at this address." 404
	}
	handle_errors 502 503 504 {
		header Retry-After 10
		header Cache-Control no-store
		respond "This part of the node does not answer at the moment. Please try again in a minute." {err.status_code}
	}
}

{{ if eq .Values.exposure.mode "edge" -}}
http:// {
	redir https://{{ .Values.node.domain }}{uri} 308
}
{{- else -}}
# Behind the cluster's own door, which ends TLS and says so.
http://{{ .Values.node.domain }} {
	@plain header X-Forwarded-Proto http
	redir @plain https://{{ .Values.node.domain }}{uri} 308
	import site
}
{{- end }}

https://{{ .Values.node.domain }} {
	{{- if not (include "edge.files" .) }}
	tls {
		issuer acme {
			{{- with .Values.tls.directory }}
			dir {{ . }}
			{{- end }}
		}
	}
	{{- else }}
	# A new certificate changes this line, and only a changed configuration makes Caddy read the files again.
	import /run/certificate/certificate.caddy
	tls /run/certificate/tls.crt /run/certificate/tls.key
	{{- end }}
	import site
}
{{ end -}}

{{- /* Whether the certificate is in files; else Caddy gets it itself. */ -}}
{{- define "edge.files" -}}
{{- if or (ne .Values.tls.mode "acme") (ne .Values.exposure.mode "edge") }}yes{{ end -}}
{{- end -}}

{{- /* The Secret that the cluster's own door shows: cert-manager's where it issues, else the operator's. */ -}}
{{- define "edge.publicSecret" -}}
{{- ternary "edge-public" "edge-certificate" (eq .Values.tls.mode "acme") -}}
{{- end -}}
