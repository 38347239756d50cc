"""What a pattern of the spec means, in words: said by the API server, by `config check` and in docs/spec.md alike.

A regular expression is no advice. The CRD therefore holds each pattern as a CEL rule that carries the sentence.
"""

from collections.abc import Mapping

from mininode.api import computer, identity, model, spec

SENTENCES: Mapping[str, str] = {
    spec.DOMAIN_PATTERN: "must be a DNS name of at least two parts in lower case, such as node.hospital.example:"
    " no https://, no port, no path, no IP address",
    spec.QUANTITY_PATTERN: "must be an amount in quotes, a number with or without a unit, such as 500m, 2 or 512Mi",
    spec.STORAGE_SIZE_PATTERN: "must be a whole number with its unit, such as 20Gi or 2Ti",
    spec.IMAGE_PATTERN: "must be an image with an exact tag or a digest, such as registry.example/group/name:1.2.3",
    spec.MIRROR_PATTERN: "must be a registry, with or without port and path, such as registry.hospital.example/eucaim:"
    " no https://",
    model.NAME_PATTERN: "must be a Kubernetes name: lower-case letters, digits and '-', at most 63 characters,"
    " with a letter or digit first and last",
    spec.CLASS_PATTERN: "must be a Kubernetes name: lower-case letters, digits, '-' and '.', at most 253 characters,"
    " with a letter or digit first and last",
    spec.HTTPS_PATTERN: "must be an address that begins with https://, such as https://ca.hospital.example/acme/directory",
    spec.PROXY_PATTERN: "must be a proxy's address without a password, such as http://proxy.hospital.example:3128",
    model.KEY_PATTERN: "must be a key of a Secret: letters, digits, '-', '_' and '.', such as tls.crt",
    spec.HOST_PATH_PATTERN: "must be an absolute path such as /srv/eucaim, of letters, digits, '.', '_' and '-',"
    " without '..'",
    identity.URL_PATTERN: "must be an address that begins with https:// or http://, without '?' and '#'",
    identity.ISSUER_PATTERN: "must be the address of a realm, such as https://login.hospital.example/auth/realms/EUCAIM-NODE",
    computer.FOLDER_PATTERN: "must be a whole path of this computer, such as /srv/eucaim, without ':' and ','",
    computer.ADDRESS_PATTERN: "must be an address of this computer, such as 10.1.2.3",
    computer.AUDIENCE_PATTERN: "must be a word of letters, digits, '.', '_', ':', '/' and '-'",
    computer.MEMORY_PATTERN: "must be a whole number with its unit, such as 12Gi or 6000Mi",
    computer.PROFILE_PATTERN: "must be a name of 2 to 31 lower-case letters, digits and '-', with a letter first",
    computer.VERSION_PATTERN: "must be a full version of Kubernetes, such as v1.35.1",
    computer.IMAGE_NAME_PATTERN: "must be the name of an image, such as registry.example/group/name:1.2.3",
    computer.ARGUMENT_PATTERN: "must have the form --name=value, without spaces and quotes",
    model.EMAIL_PATTERN: "must be an e-mail address, such as imaging-it@hospital.example",
}
