"""What a node should be: the one model behind the CRD's schema, the `node:` section of config.yaml and docs/spec.md.

Field descriptions are the documentation that people read in `kubectl explain` and docs/spec.md: whole sentences,
for a reader who knows hospitals and not Kubernetes. Rules that cross fields are CEL, so that the API server holds them
too; `api.rules` evaluates the same rules for config.yaml.
"""

import enum
import re
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from mininode.api.identity import Identity
from mininode.api.model import EMAIL_PATTERN, NAME_PATTERN, Model, SecretKey, cel

DOMAIN_LIMIT = 253  # characters, RFC 1035
# RFC 1123: at least two labels, lower case, none longer than 63.
DOMAIN_PATTERN = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"
# A sub-set of apimachinery's resource.Quantity: what people write, positive, no exponents.
QUANTITY_PATTERN = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"
STORAGE_SIZE_PATTERN = r"^[1-9][0-9]*(M|G|T|Mi|Gi|Ti)$"
# Repository with a tag that is not `latest`, or with a digest: what runs must be nameable a year later.
IMAGE_PATTERN = r"^[a-z0-9]+([._:/-][a-z0-9]+)*(:([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(@sha256:[a-f0-9]{64})?$"
MIRROR_PATTERN = r"^[a-z0-9]+([.-][a-z0-9]+)*(:[0-9]{1,5})?(/[a-z0-9]+([._-][a-z0-9]+)*)*$"
# The name of a StorageClass: an RFC 1123 subdomain.
HTTPS_PATTERN = r"^https://[A-Za-z0-9.:/_-]+$"
PROXY_PATTERN = r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?$"  # no password: it would be readable to all who may read the node
CLASS_PATTERN = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
HOST_PATH_PATTERN = r"^/([A-Za-z0-9_-][A-Za-z0-9._-]*)(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$"

Quantity = Annotated[str, StringConstraints(pattern=QUANTITY_PATTERN, max_length=20)]
StorageSize = Annotated[str, StringConstraints(pattern=STORAGE_SIZE_PATTERN, max_length=20)]


class Profile(enum.StrEnum):
    """Sets of components. `mini` and `standard` are added with their components; naming one before is refused."""

    MICRO = "micro"


class Size(enum.StrEnum):
    """How much of a machine the node's applications get."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class ExposureMode(enum.StrEnum):
    """Ways to the public door."""

    EDGE = "edge"
    GATEWAY = "gateway"
    INGRESS = "ingress"


class TlsMode(enum.StrEnum):
    """Origins of the certificate."""

    ACME = "acme"
    OWN_CA = "ownCA"
    PROVIDED = "provided"


class DriftCorrection(enum.StrEnum):
    """What happens to objects of the node that somebody changed or deleted by hand."""

    ENFORCE = "Enforce"
    WARN = "Warn"
    OFF = "Off"


class DeletionPolicy(enum.StrEnum):
    """What happens to the software when the resource is deleted."""

    UNINSTALL = "Uninstall"
    ORPHAN = "Orphan"


class GatewayRef(Model):
    """A Gateway that is there."""

    name: str = Field(description="Name of the Gateway.", pattern=CLASS_PATTERN, max_length=253)
    namespace: str | None = Field(None, description="Its namespace. Left out: the node's.", pattern=NAME_PATTERN, max_length=63)


class Exposure(Model):
    """How people reach the node from outside."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel(
                    "self.mode != 'gateway' || has(self.className) || has(self.gateway)",
                    "mode gateway needs className, the GatewayClass to use, or gateway, one that is there",
                ),
                cel(
                    "self.mode == 'gateway' || !has(self.gateway)",
                    "gateway has a meaning only with mode gateway: leave it out",
                ),
                cel(
                    "self.mode != 'edge' || !has(self.className)",
                    "className has no meaning with mode edge: leave it out",
                ),
            ]
        }
    )

    mode: ExposureMode = Field(
        ExposureMode.EDGE,
        description="The public door. `edge` runs our own web server on ports 80 and 443, right where the machine is ours; "
        "`gateway` and `ingress` use what the cluster has.",
    )
    class_name: str | None = Field(
        None,
        description="GatewayClass or IngressClass to use with the modes `gateway` and `ingress`.",
        pattern=NAME_PATTERN,
        max_length=63,
    )
    gateway: GatewayRef | None = Field(
        None,
        description="With mode `gateway`: a Gateway that is there, to use it in place of one of our own.",
    )


class Proxy(Model):
    """The site's way out. Only those parts of the node get it that talk with the outside (docs/network.md)."""

    http_proxy: str | None = Field(None, description="For addresses that begin with http.", pattern=PROXY_PATTERN, max_length=1024)
    https_proxy: str | None = Field(
        None, description="For addresses that begin with https; usually the same.", pattern=PROXY_PATTERN, max_length=1024
    )
    no_proxy: str = Field(
        "",
        description="Names and networks that are reached without it, with commas between. The node's own are added.",
        max_length=2048,
    )


class Tls(Model):
    """Where the certificate of the node's domain comes from."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel(
                    "self.mode != 'provided' || (has(self.certificateRef) && has(self.privateKeyRef))",
                    "mode provided needs certificateRef and privateKeyRef, each the name and key of a Secret",
                ),
                cel(
                    "self.mode == 'provided' || (!has(self.certificateRef) && !has(self.privateKeyRef))",
                    "certificateRef and privateKeyRef have a meaning only with mode provided",
                ),
            ]
        }
    )

    mode: TlsMode = Field(
        TlsMode.ACME,
        description="`acme` asks a public authority such as Let's Encrypt, `ownCA` issues from an authority of the node's own, "
        "`provided` uses the certificate that you put into a Secret.",
    )
    certificate_ref: SecretKey | None = Field(None, description="With mode `provided`: the certificate with its chain, in PEM.")
    private_key_ref: SecretKey | None = Field(None, description="With mode `provided`: the private key, in PEM.")
    acme_directory: str | None = Field(
        None,
        description="With mode `acme`: address of the authority's directory. Left out: Let's Encrypt.",
        pattern=HTTPS_PATTERN,
        max_length=1024,
    )
    issuer: str | None = Field(
        None,
        description="With mode `acme` and the exposure modes `gateway` or `ingress`: name of cert-manager's ClusterIssuer.",
        pattern=CLASS_PATTERN,
        max_length=253,
    )
    authorities_ref: SecretKey | None = Field(
        None,
        description="Certificates, in PEM, of authorities that your site adds to those that the node's pods believe: that of an "
        "ACME server of your own, of a proxy that looks into connections, of your login.",
    )


class StorageSizes(Model):
    """How much room each part gets. A volume is never made smaller; on folders of a machine the disk must be able to hold that much."""

    database: StorageSize = Field("10Gi", description="The databases of all applications.")
    datalake: StorageSize = Field("100Gi", description="The imaging studies as they were received.")
    datasets: StorageSize = Field("20Gi", description="The registered data sets: links and metadata, not the images.")
    service: StorageSize = Field("5Gi", description="Working files of the dataset service: user interface, logs, outputs.")


class Storage(Model):
    """Where the data lives. Volumes are kept when software is removed."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel("!(has(self.className) && has(self.hostPath))", "give className or hostPath, not both"),
                cel("!has(self.passphraseRef) || has(self.hostPath)", "passphraseRef has a meaning only with hostPath"),
                cel(
                    "has(self.className) == has(oldSelf.className)"
                    " && (!has(self.className) || self.className == oldSelf.className)",
                    "className can't be changed once the node exists: volumes do not move by themselves",
                ),
                cel(
                    "has(self.hostPath) == has(oldSelf.hostPath) && (!has(self.hostPath) || self.hostPath == oldSelf.hostPath)",
                    "hostPath can't be changed once the node exists: volumes do not move by themselves",
                ),
            ]
        }
    )

    class_name: str | None = Field(
        None,
        description="StorageClass for every volume. Left out: the cluster's default class.",
        pattern=CLASS_PATTERN,
        max_length=253,
    )
    host_path: str | None = Field(
        None,
        description="Folder of the machine that holds the data, for a node on one machine: each volume is a folder "
        "`<hostPath>/<node>/<volume>`. An absolute path without `..`.",
        pattern=HOST_PATH_PATTERN,
        max_length=1024,
    )
    passphrase_ref: SecretKey | None = Field(
        None,
        description="With hostPath: a pass phrase that encrypts the copy of the node's passwords that is kept beside the data. "
        "Left out, the copy is a file that only root and the operator can read. Whoever installs over kept data into a new "
        "cluster makes this Secret first.",
    )
    sizes: StorageSizes = Field(StorageSizes(), description="Sizes of the volumes.")


class ResourceAmounts(Model):
    """Amounts of processor and memory."""

    cpu: Quantity | None = Field(None, description="Processor cores: `500m` is half a core.")
    memory: Quantity | None = Field(None, description="Memory: `512Mi`, `2Gi`.")


class Resources(Model):
    """What the component's main container asks for and may use at most."""

    requests: ResourceAmounts | None = Field(None, description="What is set aside for it.")
    limits: ResourceAmounts | None = Field(None, description="What it may use at most.")


class ComponentOverride(Model):
    """What this node wants different from a component's defaults."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel(
                    "!has(self.image) || (!self.image.endsWith(':latest') && "
                    "self.image.matches('(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[a-f0-9]{64})$'))",
                    "image needs an exact tag or a digest: registry/name:1.2.3 or registry/name@sha256:…",
                ),
            ]
        }
    )

    enabled: bool | None = Field(
        None,
        description="Switches the component on or off. Left out: as the profile says. Its data and passwords stay when it is off.",
    )
    image: str | None = Field(
        None,
        description="Image of the component's main container, with an exact tag or a digest. Never `latest`.",
        pattern=IMAGE_PATTERN,
        max_length=512,
    )
    resources: Resources | None = Field(None, description="Processor and memory of the component's main container.")
    values: dict[str, Any] | None = Field(
        None,
        description="Further values for the component's chart, merged as Helm merges: maps by key, lists replaced, null removes. "
        "The chart's own schema says which there are. No secrets: they would be readable to everybody who may read the node.",
    )


class NodeSpec(Model):
    """What the node should be. The operator makes it so, and keeps it so."""

    profile: Profile = Field(Profile.MICRO, description="The set of components that are on unless `components` says otherwise.")
    size: Size = Field(
        Size.SMALL,
        description="How much processor and memory the applications get, and how the database is tuned. `small`: a machine with 8 GiB of "
        "memory, some users at a time; `medium`: 4 cores and 32 GiB, as the federation's tier 2 asks; `large`: 16 cores and 64 GiB, as "
        "tier 3 asks. `components.NAME.resources` changes one component.",
    )
    domain: str = Field(
        description="Public name of the node, for example `node.hospital.example`. People and applications reach it by https under this name.",
        pattern=DOMAIN_PATTERN,
        max_length=253,
    )
    site_name: str = Field(
        "", description="Name of the site as people read it, for example `Hospital Example, Radiology`.", max_length=160
    )
    contact: str | None = Field(
        None,
        description="E-mail address of the person or group to turn to; also given to the certificate authority with tls mode `acme`.",
        pattern=EMAIL_PATTERN,
        max_length=254,
    )
    exposure: Exposure = Field(Exposure(), description="How people reach the node from outside.")
    tls: Tls = Field(Tls(), description="Where the certificate of the domain comes from.")
    proxy: Proxy | None = Field(None, description="The site's way out, where there is a proxy.")
    storage: Storage = Field(Storage(), description="Where the data lives.")
    identity: Identity = Field(Identity(), description="Who may log in to the node, and how.")
    components: dict[str, ComponentOverride] = Field(
        {}, description="What this node wants different, by component name.", max_length=32
    )
    image_mirror: str | None = Field(
        None,
        description="Registry that holds copies of all images, for example `registry.hospital.example/eucaim`: images are taken "
        "from there under their own names.",
        pattern=MIRROR_PATTERN,
        max_length=253,
    )
    drift_correction: DriftCorrection = Field(
        DriftCorrection.ENFORCE,
        description="What happens to objects of the node that somebody changed or deleted by hand: `Enforce` puts them right within "
        "seconds, `Warn` only reports them, `Off` does not look. The annotation `mininode.cancerimage.eu/drift: ignore` exempts one object.",
    )
    deletion_policy: DeletionPolicy = Field(
        DeletionPolicy.UNINSTALL,
        description="What happens to the software when this resource is deleted: `Uninstall` removes it, `Orphan` leaves it running "
        "and unattended. Volumes and passwords stay in both cases.",
    )
    suspend: bool = Field(
        False,
        description="Stops every action of the operator on this node, but for its deletion. What runs goes on running; the status stays true.",
    )

    @property
    def url(self) -> str:
        """The public address, without a slash at the end."""
        return f"https://{self.domain}"


def is_domain(text: str) -> bool:
    """Whether `text` could be the public name of a node."""
    return len(text) <= DOMAIN_LIMIT and re.fullmatch(DOMAIN_PATTERN, text) is not None
