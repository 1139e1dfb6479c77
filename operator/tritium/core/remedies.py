"""What to do about each reason, in one place: `docs/conditions.md` shows it, and messages end with it.

A message may say it more exactly where it knows more, such as the name of a field; it never says less.
"""

from collections.abc import Mapping
from typing import Final

from tritium.api.fetch import FetchReason
from tritium.core.reasons import Reason

REMEDIES: Final[Mapping[Reason | FetchReason, str]] = {
    Reason.IMAGE_PULL: "Correct server.image, or give access to the registry with server.imagePullSecrets.",
    Reason.CONTAINER_CONFIG: "Create the Secret or ConfigMap that is named, or correct server.env, server.args or "
    "server.podTemplate.",
    Reason.UNSCHEDULABLE: "Add a node or free one, or ask for less: see server.resources, server.nodeSelector, "
    "server.tolerations and server.affinity.",
    Reason.NO_GPU: "Free a GPU, add a node with one, or lower server.gpu.count or replicas. A rollout needs room for "
    "the new pods beside the old ones, unless rollout.capacity is replace.",
    Reason.VOLUME_NOT_BOUND: "Create the PersistentVolumeClaim, or see with `kubectl describe pvc` why it has no "
    "volume.",
    Reason.QUOTA: "Raise the ResourceQuota of the namespace, or ask for less: server.resources, server.gpu, replicas.",
    Reason.POD_REFUSED: "Change what the message names in server.resources or server.podTemplate, or the rule of the "
    "namespace that refuses it.",
    Reason.OUT_OF_MEMORY: "Raise the container's memory limit: server.resources.limits.memory for Triton.",
    Reason.CONTAINER_CRASHED: "Correct the container in server.podTemplate; its log says more.",
    Reason.POD_LOST: "Nothing, if another pod becomes ready. Otherwise look at the node: `kubectl describe node`.",
    Reason.POD_STUCK: "Look at its node: `kubectl describe node`. If that is gone for good, `kubectl delete node`. If "
    "the pod alone hangs, and surely nothing of it runs any more, `kubectl delete pod --force`.",
    Reason.RESOLVE_TIMED_OUT: "See that the source answers from inside the cluster; it is tried again.",
    Reason.MODEL_LOAD_FAILED: "Correct the model or its config.pbtxt and give it a new address, or change server.image "
    "to one that can load it.",
    Reason.WARMUP_FAILED: "Correct model.warmup, or model_warmup in config.pbtxt; if the requests are right, correct "
    "the model and give it a new address.",
    Reason.SERVER_CRASHED: "Look at the end of the log: `kubectl logs POD -c triton --previous`. A pod that is killed "
    "without a word often wants more memory.",
    Reason.SMOKE_TEST_FAILED: "If the model is right, correct model.smokeTest; otherwise give it a new address.",
    Reason.SMOKE_TEST_UNREACHABLE: "Let the operator reach port 8001 of model pods: see NetworkPolicies "
    "and a mesh's mTLS.",
    Reason.SIGNATURE_CHANGED: "Correct the model; or, if its clients know, set rollout.compatibility: Warn to let it "
    "through.",
    Reason.SIGNATURE_UNKNOWN: "Let the operator reach port 8001 of model pods: see NetworkPolicies and a mesh's mTLS. "
    "Or set rollout.compatibility: Warn to let it through.",
    Reason.GATEWAY_NOT_READY: "Look at the gateway: `kubectl describe pod -l app.kubernetes.io/component=gateway`, and "
    "let the operator reach port 19001 of its pods.",
    Reason.GATEWAY_REJECTED: "Correct what Envoy names in spec.traffic or spec.routing. Please report it: a spec that "
    "is admitted should never be refused.",
    Reason.NO_PORT: "Put some of the ModelDeployments into another namespace, which has a gateway of its own.",
    Reason.STARTING: "Wait. If it lasts, `kubectl describe pod` and the pod's log say what it waits for.",
    Reason.RECREATING: "Wait: nobody is served until the new pods are ready. If the message says that they cannot be, "
    "edit the spec back, or use the action abort; if pinRevision asks for them, take it away.",
    Reason.NAME_TAKEN: "Delete or rename the object that is named, or give the ModelDeployment another name.",
    Reason.WAITING_FOR_CLEANUP: "Wait. If it lasts, a finalizer holds the objects: `kubectl get` shows which.",
    Reason.OBJECT_REFUSED: "Correct the field that the server names; most often it is in server.podTemplate.",
    Reason.LOG_BEHIND: "Its log says why: `kubectl logs deploy/NAME-log`. It goes on trying; what it has no room "
    "for is lost, and requests are served all the same.",
    Reason.PIN_NOT_FOUND: "Choose a number of status.revisions, or remove pinRevision.",
    Reason.CONTESTED: "Find out who else writes the object (`kubectl get --show-managed-fields`), and make it stop.",
    Reason.RESOLVE_FAILED: "Do what the message says; the source is listed again by itself.",
    Reason.ABORTED: "Change model or server: that is a new revision. The message and status.rejectedRevisions say what "
    "was wrong with this one.",
    Reason.ROLLED_BACK: "Change model or server, or pin the revision again, to serve it after all.",
    Reason.QUERY_FAILED: "Try the query in Prometheus: it has to give one number. A corrected one counts from the next "
    "rollout on: `abort` this one, correct the query, and `retry`. If Prometheus does not answer, bring it back: the "
    "rollout goes on by itself. In the bake abort nothing for it.",
    Reason.NO_PROMETHEUS: "Set the chart's value prometheus.url; or `abort`, remove the queries, and `retry`.",
    Reason.ARM_INVALID: "Name a number of status.revisions, and each in one arm only.",
    Reason.NO_REPLICAS: "Set replicas to 1 or more to serve the model.",
    Reason.SPEC_INVALID: "Correct the field that the message names, or upgrade the operator to the version that the "
    "spec was written for.",
    FetchReason.SECRET_MISSING: "Create the Secret that model.source.credentials.secretRef names, in this namespace.",
    FetchReason.CREDENTIALS_MISSING: "Set model.source.credentials, or add the key that is named to the Secret.",
    FetchReason.ACCESS_DENIED: "See that the credentials are right and may list and read what model.source names.",
    FetchReason.OPTIONS_UNUSED: "Remove the settings that are named from model.source.options, or name a version that "
    "lies where they are used.",
    FetchReason.SOURCE_NOT_FOUND: "Correct model.source, or put the model there.",
    FetchReason.SOURCE_UNREACHABLE: "See that the address is right and that pods may reach it: DNS, proxy, "
    "NetworkPolicy, ca.crt.",
    FetchReason.ADDRESS_FORBIDDEN: "Copy the model to where sources may be read from, or have the network that is "
    "named added to the chart's value sources.allowedNetworks.",
    FetchReason.SOURCE_CHANGED: "Put the files back, or write the changed model to a new address: what a revision was "
    "made from must not change under it.",
    FetchReason.DIGEST_MISMATCH: "Find out who changed the files. If the change is meant, set model.source.digest to "
    "what `tritium digest DIR` prints, or remove it.",
    FetchReason.SIGNATURE_INVALID: "Sign the folder with a key that the chart's value sources.signatureKeys names, as "
    "the message says, and use a new address for it.",
    FetchReason.MODEL_INVALID: "Lay the files out as the message says, or set model.layout.",
    FetchReason.CONFIG_INVALID: "Correct config.pbtxt at the line that is named, or model.config.",
    FetchReason.DISK_FULL: "Give the pod's volume, the node or the cache more room, or make the model smaller.",
    FetchReason.ACCESS_MODE_UNSUPPORTED: "Give model.cache a claim that its pods can write: docs/cache.md.",
    FetchReason.FETCH_FAILED: "Look at the log: `kubectl logs POD -c fetch --previous`. Please report it.",
}
