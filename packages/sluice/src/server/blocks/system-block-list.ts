/** A value of a block: a JSON schema, and whether it is secret. */
export interface SystemBlockProperty {
  readonly title: string;
  readonly description: string;
  readonly type?: "string" | "integer" | "boolean" | "object" | "array";
  readonly default?: unknown;
  readonly items?: Readonly<Record<string, unknown>>;
  readonly enum?: readonly string[];
  readonly isSecret?: boolean;
}

/** A block type that a server has from its start. */
export interface SystemBlock {
  readonly name: string;
  readonly slug: string;
  readonly description: string;
  readonly capabilities: readonly string[];
  readonly isProtected?: boolean;
  readonly properties: Readonly<Record<string, SystemBlockProperty>>;
  readonly required: readonly string[];
}

const FILES = ["get-directory", "put-directory", "read-path", "write-path"];

const text = (title: string, description: string, more: Partial<SystemBlockProperty> = {}): SystemBlockProperty => ({
  title,
  description,
  type: "string",
  ...more,
});
const secret = (title: string, description: string): SystemBlockProperty =>
  text(title, description, { isSecret: true });
const level = text("Notify Type", "How urgent the receiver shows the message to be.", {
  default: "info",
  enum: ["info", "success", "warning", "failure"],
});

/** A place that takes messages at one secret address. */
function chatWebhook(name: string, slug: string): SystemBlock {
  return {
    name,
    slug,
    description: `Sends notifications by a ${name}.`,
    capabilities: ["notify"],
    properties: { url: secret("Webhook URL", "Address that messages are sent to."), notify_type: level },
    required: ["url"],
  };
}

/** The block types of a server; clients add their own. */
export const SYSTEM_BLOCKS: readonly SystemBlock[] = [
  {
    name: "Secret",
    slug: "secret",
    description: "A secret value, encrypted at rest and hidden wherever it is shown.",
    capabilities: [],
    isProtected: true,
    properties: { value: { title: "Value", description: "The value to keep secret.", isSecret: true } },
    required: ["value"],
  },
  {
    name: "Webhook",
    slug: "webhook",
    description: "An address that is called by HTTP.",
    capabilities: [],
    isProtected: true,
    properties: {
      method: text("Method", "HTTP method of the call.", {
        default: "POST",
        enum: ["GET", "POST", "PUT", "PATCH", "DELETE"],
      }),
      url: secret("Webhook URL", "Address that is called."),
      headers: {
        title: "Webhook Headers",
        description: "Headers sent with the call.",
        type: "object",
        isSecret: true,
      },
      allow_private_urls: {
        title: "Allow Private URLs",
        description: "Whether addresses of private networks may be called.",
        type: "boolean",
        default: true,
      },
      verify: {
        title: "Verify",
        description: "Whether the certificate of the other side is checked.",
        type: "boolean",
        default: true,
      },
    },
    required: ["url"],
  },
  {
    name: "Local File System",
    slug: "local-file-system",
    description: "Files in a folder of the machine that uses the block.",
    capabilities: FILES,
    isProtected: true,
    properties: { basepath: text("Basepath", "Folder below which all paths lie.") },
    required: [],
  },
  {
    name: "Remote File System",
    slug: "remote-file-system",
    description: "Files at any place that has an fsspec address.",
    capabilities: FILES,
    properties: {
      basepath: text("Basepath", "Address below which all paths lie, as s3://bucket/folder."),
      settings: { title: "Settings", description: "What the file system is opened with.", type: "object" },
    },
    required: ["basepath"],
  },
  {
    name: "SMB",
    slug: "smb",
    description: "Files on an SMB share.",
    capabilities: FILES,
    properties: {
      share_path: text("Share Path", "Share and folder below which all paths lie."),
      smb_username: secret("SMB Username", "User of the share."),
      smb_password: secret("SMB Password", "Password of that user."),
      smb_host: text("SMB server/hostname", "Name or address of the server."),
      smb_port: { title: "SMB port", description: "Port of the server.", type: "integer" },
    },
    required: ["share_path", "smb_host"],
  },
  chatWebhook("Slack Webhook", "slack-webhook"),
  chatWebhook("Microsoft Teams Webhook", "ms-teams-webhook"),
  {
    name: "Mattermost Webhook",
    slug: "mattermost-webhook",
    description: "Sends notifications to a channel of a Mattermost server.",
    capabilities: ["notify"],
    properties: {
      hostname: text("Hostname", "Name of the Mattermost server."),
      token: secret("Token", "Token of the incoming webhook."),
      botname: text("Bot name", "Name under which messages appear."),
      channels: { title: "Channels", description: "Channels to write to.", type: "array", items: { type: "string" } },
      port: { title: "Port", description: "Port of the server.", type: "integer", default: 8065 },
    },
    required: ["hostname", "token"],
  },
  {
    name: "Discord Webhook",
    slug: "discord-webhook",
    description: "Sends notifications to a Discord channel.",
    capabilities: ["notify"],
    properties: {
      webhook_id: secret("Webhook ID", "First part of the webhook's address."),
      webhook_token: secret("Webhook Token", "Second part of the webhook's address."),
      botname: text("Bot name", "Name under which messages appear."),
      notify_type: level,
    },
    required: ["webhook_id", "webhook_token"],
  },
  {
    name: "Pager Duty Webhook",
    slug: "pager-duty-webhook",
    description: "Opens incidents at PagerDuty.",
    capabilities: ["notify"],
    properties: {
      integration_key: secret("Integration Key", "Key of the integration that receives events."),
      api_key: secret("API Key", "Key of the account."),
      source: text("Source", "Where the incident is said to come from.", { default: "Prefect" }),
      notify_type: level,
    },
    required: ["integration_key", "api_key"],
  },
  {
    name: "Opsgenie Webhook",
    slug: "opsgenie-webhook",
    description: "Raises alerts at Opsgenie.",
    capabilities: ["notify"],
    properties: {
      apikey: secret("API Key", "Key of the integration."),
      region_name: text("Region code", "Region of the account.", { default: "us", enum: ["us", "eu"] }),
      priority: { title: "Priority", description: "From 1 (critical) to 5.", type: "integer", default: 3 },
    },
    required: ["apikey"],
  },
  {
    name: "Twilio SMS",
    slug: "twilio-sms",
    description: "Sends notifications as short messages by Twilio.",
    capabilities: ["notify"],
    properties: {
      account_sid: text("Account SID", "Id of the Twilio account."),
      auth_token: secret("Auth Token", "Token of that account."),
      from_phone_number: text("From Phone Number", "Number that sends."),
      to_phone_numbers: {
        title: "To Phone Numbers",
        description: "Numbers that receive.",
        type: "array",
        items: { type: "string" },
      },
    },
    required: ["account_sid", "auth_token", "from_phone_number", "to_phone_numbers"],
  },
  {
    name: "Sendgrid Email",
    slug: "sendgrid-email",
    description: "Sends notifications by e-mail through SendGrid.",
    capabilities: ["notify"],
    properties: {
      api_key: secret("API Key", "Key of the account."),
      sender_email: text("Sender email id", "Address that sends."),
      to_emails: {
        title: "Recipient emails",
        description: "Addresses that receive.",
        type: "array",
        items: { type: "string" },
      },
    },
    required: ["api_key", "sender_email", "to_emails"],
  },
  {
    name: "Custom Webhook",
    slug: "custom-webhook",
    description: "Sends notifications to any address, in a form of one's own.",
    capabilities: ["notify"],
    properties: {
      name: text("Name", "Name of the webhook."),
      url: text("Webhook URL", "Address that is called."),
      method: text("Method", "HTTP method of the call.", {
        default: "POST",
        enum: ["GET", "POST", "PUT", "PATCH", "DELETE"],
      }),
      params: { title: "Query Params", description: "Parameters in the query.", type: "object" },
      json_data: { title: "JSON Data", description: "JSON body of the call.", type: "object" },
      form_data: { title: "Form Data", description: "Form of the call.", type: "object" },
      headers: { title: "Headers", description: "Headers of the call.", type: "object" },
      cookies: { title: "Cookies", description: "Cookies of the call.", type: "object" },
      timeout: { title: "Timeout", description: "Seconds to wait for an answer.", type: "integer", default: 10 },
      secrets: {
        title: "Custom Secret Values",
        description: "Values that may stand in the other fields by their names.",
        type: "object",
        isSecret: true,
      },
    },
    required: ["name", "url"],
  },
];
