-- Argo CD's view of a node: without this a EucaimNode counts for nothing in an application's health.
-- Goes into the ConfigMap argocd-cm under the key resource.customizations.health.mininode.cancerimage.eu_EucaimNode
-- (manifests/gitops/argocd-cm.yaml holds it so). The status follows kstatus: observedGeneration, Ready, Stalled.
local health = { status = "Progressing", message = "The operator has not looked at the node yet." }
local status = obj.status
if status == nil or status.conditions == nil then
  return health
end
if status.observedGeneration ~= nil and status.observedGeneration ~= obj.metadata.generation then
  health.message = "The operator has not looked at the newest spec yet."
  return health
end
local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local ready, stalled, rehearsed = conditions.Ready, conditions.Stalled, conditions.Rehearsed
if ready ~= nil then
  health.message = ready.message
end
if stalled ~= nil and stalled.status == "True" then
  health.status = "Degraded"
  health.message = stalled.message
elseif obj.spec.suspend == true then
  health.status = "Suspended"
elseif ready ~= nil and ready.status == "True" then
  health.status = "Healthy"
elseif rehearsed ~= nil and rehearsed.status == "True" then
  -- Simulated pods prove nothing, and nothing more will come.
  health.status = "Unknown"
end
return health
