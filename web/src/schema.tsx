// What the tracking plan says of an event, with the field in question marked.
import type { PlannedEvent, PropertySchema } from "./types";

function limits(schema: PropertySchema): string {
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : (schema.type ?? "anything");
  if (schema.enum) return schema.enum.map(String).join(", ");
  const { minimum, maximum } = schema;
  if (minimum !== undefined && maximum !== undefined) return `${type}, ${minimum} to ${maximum}`;
  return minimum !== undefined ? `${type}, at least ${minimum}` : type;
}

export function Schema({ planned, name, field }: { planned: PlannedEvent | undefined; name: string; field: string }) {
  const schema = planned?.schema;
  if (!schema) {
    return (
      <div className="schema">
        <h2>The tracking plan</h2>
        <p className="quiet">{name ? `has no event "${name}". Add events/${name}.json to take it.` : "has no event by this name."}</p>
      </div>
    );
  }
  const required = new Set(schema.required ?? []);
  const properties = Object.entries(schema.properties ?? {});
  return (
    <div className="schema">
      <h2>events/{planned.name}.json</h2>
      {schema.description && <p className="quiet">{schema.description}</p>}
      <ul>
        {properties.map(([key, property]) => (
          <li key={key} data-marked={field.endsWith(`.${key}`) || undefined}>
            <code>{key}</code>
            {required.has(key) && <span className="must">required</span>}
            <span className="quiet">{limits(property)}</span>
          </li>
        ))}
      </ul>
      <p className="quiet">{schema.additionalProperties === false ? "Nothing else is allowed." : "Other properties are kept as they are."}</p>
    </div>
  );
}
