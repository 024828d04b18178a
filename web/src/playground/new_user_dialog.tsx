import { useState } from "react";

import { Modal } from "../modal";

interface Props {
  suggested: string;
  topics: string[] | null;
  onMake: (id: string, topics: string[]) => void;
  onClose: () => void;
}

export function NewUserDialog({ suggested, topics, onMake, onClose }: Props) {
  const [id, setId] = useState(suggested);
  const [chosen, setChosen] = useState<string[]>([]);
  const toggle = (topic: string) => setChosen((now) => (now.includes(topic) ? now.filter((t) => t !== topic) : [...now, topic]));
  return (
    <Modal label="New user" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (id.trim()) onMake(id.trim(), chosen);
        }}
      >
        <h2>New user</h2>
        <p className="quiet">Somebody the system has never seen. Their first feed is what is popular and new, in the topics they tell.</p>
        <label htmlFor="new-user-id">User id</label>
        <input id="new-user-id" value={id} spellCheck={false} onChange={(event) => setId(event.target.value)} />
        <fieldset>
          <legend>Interests</legend>
          {topics === null && <div className="skeleton topics-skeleton" aria-busy="true" />}
          {topics?.length === 0 && <p className="quiet">No topics yet.</p>}
          <div className="chips">
            {topics?.map((topic) => (
              <button key={topic} type="button" className="topic-choice" aria-pressed={chosen.includes(topic)} onClick={() => toggle(topic)}>
                {topic}
              </button>
            ))}
          </div>
        </fieldset>
        <div className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={!id.trim()}>
            Show their feed
          </button>
        </div>
      </form>
    </Modal>
  );
}
