import type { Language, TextKey } from "./texts";
import type { Alert, Carrier, Me, Plan, Route } from "./wire";

export const API = "/api/v1";
export const STREAM_URL = `${API}/stream`;

/** A request that did not do its work; `text` tells the reader what to do. */
export class ApiError extends Error {
  constructor(
    readonly text: TextKey,
    readonly status: number,
    readonly words: Record<string, string> = {},
    /** What the hub itself says of it, in English, where it says something. */
    readonly detail: string = "",
  ) {
    super(`${text} (${status})`);
  }
}

export async function send(method: string, path: string, body?: unknown): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-Machimori"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const options: RequestInit = { method, headers, cache: "no-store" };
  if (body !== undefined) options.body = JSON.stringify(body);
  let response: Response;
  try {
    response = await fetch(API + path, options);
  } catch {
    throw new ApiError("unreachable", 0);
  }
  if (!response.ok) throw refusal(response, await detailOf(response));
  return response;
}

async function detailOf(response: Response): Promise<string> {
  if (!response.headers.get("Content-Type")?.startsWith("application/json")) return "";
  try {
    const { detail } = (await response.json()) as { detail?: unknown };
    return typeof detail === "string" ? detail : "";
  } catch {
    return ""; // the status alone has to do
  }
}

function refusal(response: Response, detail: string): ApiError {
  if (response.status === 401) return new ApiError("sessionEnded", 401);
  if (response.status === 403) return new ApiError("notForYou", 403);
  if (response.status === 429) {
    const seconds = Number(response.headers.get("Retry-After") ?? "60") || 60;
    return new ApiError("lockedOut", 429, { minutes: String(Math.ceil(seconds / 60)) });
  }
  return new ApiError("serverTrouble", response.status, {}, detail);
}

export async function get<Body>(path: string): Promise<Body> {
  const response = await send("GET", path);
  return (await response.json()) as Body;
}

const id = encodeURIComponent;

export const api = {
  me: () => get<Me>("/me"),
  site: () => get<Plan>("/site"),
  time: () => get<{ now: number }>("/time"),
  carriers: () => get<Carrier[]>("/carriers"),
  route: (carrier: string, since: number, until: number) =>
    get<Route>(`/carriers/${id(carrier)}/route?since=${since}&until=${until}`),
  alerts: (since: number) => get<Alert[]>(`/alerts?since=${since}`),

  logIn: (login: string, password: string) => send("POST", "/session", { login, password }),
  logOut: () => send("DELETE", "/session"),
  chooseLanguage: (language: Language) => send("PATCH", "/me", { language }),
  acknowledge: (alert: string) => send("POST", `/alerts/${id(alert)}/acknowledge`),
};
