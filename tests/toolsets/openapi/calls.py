"""Calls of tools of real documents, and the requests that they must become, each written by hand after the document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call, and the request that it must become. `form` is the body's pairs, decoded, in their order."""

    tool: str
    arguments: Mapping[str, Any]
    request: str
    json: Any = None
    form: list[str] = field(default_factory=list)
    text: str = ""
    content_type: str = ""


def call(tool: str, request: str, /, **members: Any) -> Call:
    arguments = members.pop("arguments", {})
    return Call(tool=tool, request=request, arguments=arguments, **members)


_REPO = {"owner": "octo-org", "repo": "hello world"}
_AT = "/repos/octo-org/hello%20world"

GITHUB = [
    call("meta_root", "GET /"),
    call("repos_get", f"GET {_AT}", arguments=_REPO),
    call(
        "repos_get-content",
        f"GET {_AT}/contents/docs%2Fread%20me.md?ref=feature%2Fx%2By",
        arguments={**_REPO, "path": "docs/read me.md", "ref": "feature/x+y"},
    ),
    call(
        "git_get-ref",
        f"GET {_AT}/git/ref/heads%2Fmain",
        arguments={**_REPO, "ref": "heads/main"},
    ),
    call(
        "repos_compare-commits",
        f"GET {_AT}/compare/v1.0...user%3Abranch?per_page=5",
        arguments={**_REPO, "base": "v1.0", "head": "user:branch", "per_page": 5},
    ),
    call(
        "actions_get-workflow",
        f"GET {_AT}/actions/workflows/main.yaml",
        arguments={**_REPO, "workflow_id": "main.yaml"},
    ),
    call(
        "actions_get-workflow",
        f"GET {_AT}/actions/workflows/161335",
        arguments={**_REPO, "workflow_id": 161335},
    ),
    call(
        "search_code",
        "GET /search/code?q=addClass%20in%3Afile%20language%3Ajs&order=asc&page=2",
        arguments={"q": "addClass in:file language:js", "order": "asc", "page": 2},
    ),
    call(
        "security-advisories_list-global-advisories",
        "GET /advisories?cwes=79&cwes=284&is_withdrawn=false&affects=a%401.0.0%2Cb&published=%3E2024-01-01",
        arguments={
            "cwes": ["79", "284"],
            "is_withdrawn": False,
            "affects": "a@1.0.0,b",
            "published": ">2024-01-01",
        },
    ),
    call(
        "agent-tasks_list-tasks-for-repo",
        "GET /agents/repos/octo-org/hello%20world/tasks?is_archived=true&creator_id=1&creator_id=22",
        arguments={**_REPO, "is_archived": True, "creator_id": [1, 22]},
    ),
    call(
        "issues_create",
        f"POST {_AT}/issues",
        arguments={
            **_REPO,
            "title": "Found a bug",
            "body": 'It says "{{x}}" & more',
            "labels": ["bug", {"name": "ü"}],
            "milestone": 1,
        },
        json={
            "title": "Found a bug",
            "body": 'It says "{{x}}" & more',
            "labels": ["bug", {"name": "ü"}],
            "milestone": 1,
        },
    ),
    call(
        "issues_add-labels",
        f"POST {_AT}/issues/7/labels",
        arguments={**_REPO, "issue_number": 7, "body": {"labels": ["bug"]}},
        json={"labels": ["bug"]},
    ),
    call(
        "git_create-tree",
        f"POST {_AT}/git/trees",
        arguments={
            **_REPO,
            "base_tree": "9fb037",
            "tree": [{"path": "a/b.rb", "mode": "100644", "sha": None}],
        },
        json={
            "base_tree": "9fb037",
            "tree": [{"path": "a/b.rb", "mode": "100644", "sha": None}],
        },
    ),
    call(
        "repos_replace-all-topics",
        f"PUT {_AT}/topics",
        arguments={**_REPO, "names": ["octocat", "api"]},
        json={"names": ["octocat", "api"]},
    ),
    call(
        "repos_delete-file",
        f"DELETE {_AT}/contents/a.txt",
        arguments={**_REPO, "path": "a.txt", "message": "away", "sha": "95b9"},
        json={"message": "away", "sha": "95b9"},
    ),
    call(
        "teams_add-or-update-membership-for-user-in-org",
        "PUT /orgs/acme/teams/justice-league/memberships/octocat",
        arguments={
            "org": "acme",
            "team_slug": "justice-league",
            "username": "octocat",
            "role": "maintainer",
        },
        json={"role": "maintainer"},
    ),
    call(
        "teams_add-or-update-membership-for-user-in-org",
        "PUT /orgs/acme/teams/x/memberships/octocat",
        arguments={"org": "acme", "team_slug": "x", "username": "octocat"},
    ),
    call(
        "actions_review-custom-gates-for-run",
        f"POST {_AT}/actions/runs/30433642/deployment_protection_rule",
        arguments={
            **_REPO,
            "run_id": 30433642,
            "body": {"environment_name": "prod", "state": "approved"},
        },
        json={"environment_name": "prod", "state": "approved"},
    ),
    call(
        "markdown_render-raw",
        "POST /markdown/raw",
        arguments={"body": "# Title\n\n*ü*"},
        text="# Title\n\n*ü*",
        content_type="text/plain; charset=utf-8",
    ),
    call(
        "code-security_detach-configuration",
        "DELETE /orgs/acme/code-security/configurations/detach",
        arguments={"org": "acme", "selected_repository_ids": [32, 91]},
        json={"selected_repository_ids": [32, 91]},
    ),
]

STRIPE = [
    call("GetBalance", "GET /v1/balance"),
    call(
        "GetCustomersCustomer",
        "GET /v1/customers/cus_9s6?expand%5B0%5D=default_source&expand%5B1%5D=tax.ip",
        arguments={"customer": "cus_9s6", "expand": ["default_source", "tax.ip"]},
    ),
    call(
        "GetCharges",
        "GET /v1/charges?created%5Bgte%5D=1680000000&created%5Blt%5D=1690000000&customer=cus_1&limit=3",
        arguments={
            "created": {"gte": 1680000000, "lt": 1690000000},
            "customer": "cus_1",
            "limit": 3,
        },
    ),
    call(
        "GetCharges",
        "GET /v1/charges?created=1680000000",
        arguments={"created": 1680000000},
    ),
    call(
        "GetAccountsAccountPeople",
        "GET /v1/accounts/acct_1/people?relationship%5Bdirector%5D=true&relationship%5Bowner%5D=false",
        arguments={
            "account": "acct_1",
            "relationship": {"director": True, "owner": False},
        },
    ),
    call(
        "GetCustomersSearch",
        "GET /v1/customers/search?query=name%3A%27Jane%20Doe%27%20AND%20metadata%5B%27foo%27%5D%3A%27bar%27",
        arguments={"query": "name:'Jane Doe' AND metadata['foo']:'bar'"},
    ),
    call(
        "GetEvents",
        "GET /v1/events?delivery_success=true&types%5B0%5D=charge.failed&types%5B1%5D=charge.refunded",
        arguments={
            "delivery_success": True,
            "types": ["charge.failed", "charge.refunded"],
        },
    ),
    call(
        "GetInvoices",
        "GET /v1/invoices?due_date%5Blte%5D=5&status=open",
        arguments={"due_date": {"lte": 5}, "status": "open"},
    ),
    call(
        "GetBillingPortalConfigurations",
        "GET /v1/billing_portal/configurations?active=false&is_default=true",
        arguments={"active": False, "is_default": True},
    ),
    call(
        "PostCustomers",
        "POST /v1/customers",
        arguments={
            "name": "Jane & Sons",
            "email": "jane+1@example.com",
            "address": {"city": "Zürich", "line1": "1 Main St"},
            "metadata": {"order id": "6735"},
            "preferred_locales": ["de", "en"],
        },
        form=[
            "name=Jane & Sons",
            "email=jane+1@example.com",
            "address[city]=Zürich",
            "address[line1]=1 Main St",
            "metadata[order id]=6735",
            "preferred_locales[0]=de",
            "preferred_locales[1]=en",
        ],
    ),
    call("PostCustomers", "POST /v1/customers"),
    call(
        "PostCustomersCustomer",
        "POST /v1/customers/cus_1",
        arguments={"customer": "cus_1", "address": "", "balance": -100},
        form=["address=", "balance=-100"],
    ),
    call("DeleteCustomersCustomer", "DELETE /v1/customers/cus_1", arguments={"customer": "cus_1"}),
    call(
        "PostPaymentIntents",
        "POST /v1/payment_intents",
        arguments={
            "amount": 2000,
            "currency": "usd",
            "automatic_payment_methods": {"enabled": True},
            "payment_method_types": ["card", "link"],
        },
        form=[
            "amount=2000",
            "currency=usd",
            "automatic_payment_methods[enabled]=true",
            "payment_method_types[0]=card",
            "payment_method_types[1]=link",
        ],
    ),
    call(
        "PostPrices",
        "POST /v1/prices",
        arguments={
            "currency": "eur",
            "recurring": {"interval": "month"},
            "product_data": {"name": "Gold", "metadata": {"a": "b"}},
            "tiers": [
                {"up_to": 5, "unit_amount_decimal": "0.5"},
                {"up_to": "inf", "flat_amount": 9},
            ],
        },
        form=[
            "currency=eur",
            "recurring[interval]=month",
            "product_data[name]=Gold",
            "product_data[metadata][a]=b",
            "tiers[0][up_to]=5",
            "tiers[0][unit_amount_decimal]=0.5",
            "tiers[1][up_to]=inf",
            "tiers[1][flat_amount]=9",
        ],
    ),
    call(
        "PostCheckoutSessions",
        "POST /v1/checkout/sessions",
        arguments={
            "mode": "payment",
            "success_url": "https://example.com/ok?id={CHECKOUT_SESSION_ID}",
            "line_items": [{"price": "price_1", "quantity": 2}],
        },
        form=[
            "mode=payment",
            "success_url=https://example.com/ok?id={CHECKOUT_SESSION_ID}",
            "line_items[0][price]=price_1",
            "line_items[0][quantity]=2",
        ],
    ),
    call(
        "PostShippingRates",
        "POST /v1/shipping_rates",
        arguments={
            "display_name": "Ground",
            "type": "fixed_amount",
            "fixed_amount": {"amount": 500, "currency": "usd"},
            "delivery_estimate": {"minimum": {"unit": "business_day", "value": 5}},
        },
        form=[
            "display_name=Ground",
            "type=fixed_amount",
            "fixed_amount[amount]=500",
            "fixed_amount[currency]=usd",
            "delivery_estimate[minimum][unit]=business_day",
            "delivery_estimate[minimum][value]=5",
        ],
    ),
    call(
        "PostWebhookEndpoints",
        "POST /v1/webhook_endpoints",
        arguments={
            "url": "https://example.com/hook",
            "enabled_events": ["charge.failed", "*"],
            "connect": True,
        },
        form=[
            "url=https://example.com/hook",
            "enabled_events[0]=charge.failed",
            "enabled_events[1]=*",
            "connect=true",
        ],
    ),
    call(
        "PostTransfers",
        "POST /v1/transfers",
        arguments={"amount": 400, "currency": "usd", "destination": "acct_1"},
        form=["amount=400", "currency=usd", "destination=acct_1"],
    ),
    call(
        "PostTaxCalculations",
        "POST /v1/tax/calculations",
        arguments={
            "currency": "usd",
            "line_items": [{"amount": 1000, "reference": "L1"}],
            "customer_details": {
                "address": {"country": "US", "postal_code": "94105"},
                "address_source": "shipping",
            },
        },
        form=[
            "currency=usd",
            "line_items[0][amount]=1000",
            "line_items[0][reference]=L1",
            "customer_details[address][country]=US",
            "customer_details[address][postal_code]=94105",
            "customer_details[address_source]=shipping",
        ],
    ),
]  # fmt: skip

_NAMESPACE = {"namespace": "kube-system"}
_IN = "/api/v1/namespaces/kube-system"

KUBERNETES = [
    call("getCodeVersion", "GET /version/"),
    call("getAPIVersions", "GET /apis/"),
    call(
        "listCoreV1Namespace",
        "GET /api/v1/namespaces?continue=a%3D%3D&labelSelector=env%20in%20%28a%2Cb%29%2Ctier%21%3Dc&limit=500&watch=false",
        arguments={
            "continue": "a==",
            "labelSelector": "env in (a,b),tier!=c",
            "limit": 500,
            "watch": False,
        },
    ),
    call(
        "readCoreV1NamespacedPod",
        f"GET {_IN}/pods/web-0?pretty=true",
        arguments={**_NAMESPACE, "name": "web-0", "pretty": "true"},
    ),
    call(
        "readCoreV1NamespacedPodLog",
        f"GET {_IN}/pods/web-0/log?container=app&follow=false&tailLines=10&timestamps=true",
        arguments={
            **_NAMESPACE,
            "name": "web-0",
            "container": "app",
            "follow": False,
            "tailLines": 10,
            "timestamps": True,
        },
    ),
    call(
        "connectCoreV1GetNamespacedPodProxyWithPath",
        f"GET {_IN}/pods/web-0/proxy/a%2Fb?path=c%2Fd",
        arguments={**_NAMESPACE, "name": "web-0", "path": "a/b", "path_query": "c/d"},
    ),
    call(
        "connectCoreV1GetNamespacedPodExec",
        f"GET {_IN}/pods/web-0/exec?command=ls%20-l%20%26%26%20id&stdout=true",
        arguments={
            **_NAMESPACE,
            "name": "web-0",
            "command": "ls -l && id",
            "stdout": True,
        },
    ),
    call(
        "connectCoreV1HeadNodeProxy",
        "HEAD /api/v1/nodes/n1/proxy?path=%2Fhealthz",
        arguments={"name": "n1", "path": "/healthz"},
    ),
    call(
        "connectCoreV1OptionsNodeProxy",
        "OPTIONS /api/v1/nodes/n1/proxy",
        arguments={"name": "n1"},
    ),
    call(
        "createCoreV1Namespace",
        "POST /api/v1/namespaces?dryRun=All&fieldManager=me",
        arguments={
            "dryRun": "All",
            "fieldManager": "me",
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "team-a", "labels": {"a/b": "c"}},
        },
        json={
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "team-a", "labels": {"a/b": "c"}},
        },
    ),
    call(
        "createCoreV1NamespacedBinding",
        f"POST {_IN}/bindings",
        arguments={**_NAMESPACE, "target": {"kind": "Node", "name": "n1"}},
        json={"target": {"kind": "Node", "name": "n1"}},
    ),
    call(
        "replaceCoreV1NamespacedConfigMap",
        f"PUT {_IN}/configmaps/settings",
        arguments={
            **_NAMESPACE,
            "name": "settings",
            "data": {"a.yaml": "x: 1\n"},
            "immutable": False,
        },
        json={"data": {"a.yaml": "x: 1\n"}, "immutable": False},
    ),
    call(
        "patchCoreV1NamespacedConfigMap",
        f"PATCH {_IN}/configmaps/settings?force=true",
        arguments={
            **_NAMESPACE,
            "name": "settings",
            "force": True,
            "body": {"data": {"old": None}},
        },
        json={"data": {"old": None}},
        content_type="application/merge-patch+json",
    ),
    call(
        "deleteCoreV1NamespacedPod",
        f"DELETE {_IN}/pods/web-0?gracePeriodSeconds=0",
        arguments={**_NAMESPACE, "name": "web-0", "gracePeriodSeconds": 0},
    ),
    call(
        "deleteCoreV1NamespacedPod",
        f"DELETE {_IN}/pods/web-0",
        arguments={**_NAMESPACE, "name": "web-0", "body": {"dryRun": ["All"]}},
        json={"dryRun": ["All"]},
    ),
    call(
        "createCoreV1NamespacedPodEviction",
        f"POST {_IN}/pods/web-0/eviction",
        arguments={
            **_NAMESPACE,
            "name": "web-0",
            "deleteOptions": {"gracePeriodSeconds": 30},
        },
        json={"deleteOptions": {"gracePeriodSeconds": 30}},
    ),
    call(
        "listAppsV1NamespacedDeployment",
        "GET /apis/apps/v1/namespaces/kube-system/deployments?fieldSelector=metadata.name%3Ddns&resourceVersionMatch=Exact",
        arguments={
            **_NAMESPACE,
            "fieldSelector": "metadata.name=dns",
            "resourceVersionMatch": "Exact",
        },
    ),
    call(
        "replaceAppsV1NamespacedDeploymentScale",
        "PUT /apis/apps/v1/namespaces/kube-system/deployments/dns/scale",
        arguments={**_NAMESPACE, "name": "dns", "spec": {"replicas": 3}},
        json={"spec": {"replicas": 3}},
    ),
    call(
        "createBatchV1NamespacedJob",
        "POST /apis/batch/v1/namespaces/kube-system/jobs?fieldValidation=Strict",
        arguments={
            **_NAMESPACE,
            "fieldValidation": "Strict",
            "metadata": {"generateName": "pi-"},
            "spec": {
                "template": {
                    "spec": {
                        "containers": [{"name": "pi", "command": ["perl", "-e", "1"]}],
                        "restartPolicy": "Never",
                    }
                }
            },
        },
        json={
            "metadata": {"generateName": "pi-"},
            "spec": {
                "template": {
                    "spec": {
                        "containers": [{"name": "pi", "command": ["perl", "-e", "1"]}],
                        "restartPolicy": "Never",
                    }
                }
            },
        },
    ),
    call(
        "logFileHandler",
        "GET /logs/kube%2F..%2Fapiserver.log",
        arguments={"logpath": "kube/../apiserver.log"},
    ),
]  # fmt: skip
