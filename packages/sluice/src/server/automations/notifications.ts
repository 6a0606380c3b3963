/** How notifications are sent: a call for each type of block. */
import { textOf as text } from "./action-core.ts";
import type { OutboundCall } from "./outbound.ts";

/** What is said. */
export interface Notice {
  readonly subject: string;
  readonly body: string;
}

type Values = Readonly<Record<string, unknown>>;
type Sender = (values: Values, notice: Notice) => OutboundCall[];

const JSON_TYPE = { "content-type": "application/json" };
const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded" };

const json = (url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): OutboundCall => {
  return { url, method: "POST", headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) };
};
const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(text) : []);
const both = ({ subject, body }: Notice): string => (subject === "" ? body : `${subject}\n${body}`);

const SENDERS: Readonly<Record<string, Sender>> = {
  "slack-webhook": ({ url }, { subject, body }) => [
    json(text(url), { text: subject === "" ? body : `*${subject}*\n${body}` }),
  ],
  "ms-teams-webhook": ({ url }, { subject, body }) => [
    json(text(url), {
      type: "message",
      attachments: [
        {
          contentType: "application/vnd.microsoft.card.adaptive",
          content: {
            type: "AdaptiveCard",
            version: "1.4",
            body: [
              { type: "TextBlock", text: subject, weight: "Bolder", wrap: true },
              { type: "TextBlock", text: body, wrap: true },
            ],
          },
        },
      ],
    }),
  ],
  "mattermost-webhook": ({ hostname, port = 8065, token, botname, channels, secure }, notice) => {
    const url = `${secure === true ? "https" : "http"}://${text(hostname)}:${text(port)}/hooks/${text(token)}`;
    const message = { text: both(notice), ...(botname ? { username: text(botname) } : {}) };
    const places = list(channels);
    return places.length === 0 ? [json(url, message)] : places.map((channel) => json(url, { ...message, channel }));
  },
  "discord-webhook": ({ webhook_id: id, webhook_token: token, botname }, notice) => [
    json(`https://discord.com/api/webhooks/${text(id)}/${text(token)}`, {
      content: both(notice),
      ...(botname ? { username: text(botname) } : {}),
    }),
  ],
  "pager-duty-webhook": ({ integration_key: key, source = "Prefect" }, { subject, body }) => [
    json("https://events.pagerduty.com/v2/enqueue", {
      routing_key: text(key),
      event_action: "trigger",
      payload: { summary: subject || body, source: text(source), severity: "error", custom_details: { body } },
    }),
  ],
  "opsgenie-webhook": ({ apikey, region_name: region, priority = 3 }, { subject, body }) => [
    json(
      `https://api.${region === "eu" ? "eu." : ""}opsgenie.com/v2/alerts`,
      { message: subject || body, description: body, priority: `P${text(priority)}` },
      { authorization: `GenieKey ${text(apikey)}` },
    ),
  ],
  "twilio-sms": ({ account_sid: sid, auth_token: token, from_phone_number: from, to_phone_numbers: to }, notice) =>
    list(to).map((number) => ({
      url: `https://api.twilio.com/2010-04-01/Accounts/${text(sid)}/Messages.json`,
      method: "POST",
      headers: {
        ...FORM_TYPE,
        authorization: `Basic ${Buffer.from(`${text(sid)}:${text(token)}`).toString("base64")}`,
      },
      body: new URLSearchParams({ From: text(from), To: number, Body: both(notice) }).toString(),
    })),
  "sendgrid-email": ({ api_key: key, sender_email: sender, to_emails: to }, { subject, body }) => [
    json(
      "https://api.sendgrid.com/v3/mail/send",
      {
        personalizations: [{ to: list(to).map((email) => ({ email })) }],
        from: { email: text(sender) },
        subject,
        content: [{ type: "text/plain", value: body }],
      },
      { authorization: `Bearer ${text(key)}` },
    ),
  ],
  "custom-webhook": (values, notice) => [customCall(values, notice)],
};

/** The calls that send a notification by a block; undefined for a type of block that sends none. */
export function notificationCalls(slug: string, values: Values, notice: Notice): OutboundCall[] | undefined {
  return SENDERS[slug]?.(values, notice);
}

/** `{{subject}}`, `{{body}}`, `{{name}}` and the names of secrets stand for their values in everything that is sent. */
function customCall(values: Values, { subject, body }: Notice): OutboundCall {
  const secrets = objectOf(values["secrets"]);
  const known: Values = { ...secrets, subject, body, name: values["name"] };
  const fill = (value: unknown): unknown => {
    if (typeof value === "string")
      return value.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (all, name: string) => (name in known ? text(known[name]) : all));
    if (Array.isArray(value)) return value.map(fill);
    return typeof value === "object" && value !== null
      ? Object.fromEntries(Object.entries(value).map(([name, one]) => [text(fill(name)), fill(one)]))
      : value;
  };
  const url = new URL(text(fill(values["url"])));
  for (const [name, value] of Object.entries(objectOf(fill(values["params"])))) url.searchParams.set(name, text(value));
  const headers = textsOf(fill(values["headers"]));
  const cookies = Object.entries(textsOf(fill(values["cookies"]))).map(([name, value]) => `${name}=${value}`);
  if (cookies.length > 0) headers["cookie"] = cookies.join("; ");
  const call = { url: url.href, method: text(values["method"]) || "POST" };
  const form = fill(values["form_data"]);
  if (form)
    return { ...call, headers: { ...FORM_TYPE, ...headers }, body: new URLSearchParams(textsOf(form)).toString() };
  const data = fill(values["json_data"]);
  return data ? { ...call, headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(data) } : { ...call, headers };
}

function objectOf(value: unknown): Values {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function textsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(objectOf(value)).map(([name, one]) => [name, text(one)]));
}
